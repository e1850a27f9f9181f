import { migrationsOf } from '@fluxo/drizzle/journal'
import { createVersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { envDurationMs, envUrl } from '@fluxo/shared/env'
import { defineService } from '@fluxo/shared/process/define-service'
import { FOLLOW_ENV, type LogAddress, logAddress } from '@fluxo/shared/process/settings'
import { createBreaker } from '@fluxo/shared/resilience/breaker'
import { createPolicy } from '@fluxo/shared/resilience/policy'
import { createConsultarRoutes } from './consultar/route.ts'
import { createBalanceReadStore, isAway, READ_LIMITS, READ_SETTINGS } from './consultar/store.ts'
import { CACHE_PREFIX, STREAM_PREFIX } from './projetar/names.ts'
import { createProjection } from './projetar/projection.ts'
import { assembleVerificar } from './verificar/assemble.ts'

/** Reads travel pipelined, so few connections carry many. */
const READS = {
  name: 'consolidado leitura',
  max: 6,
  statementTimeoutMs: READ_LIMITS.attemptTimeoutMs,
  settings: READ_SETTINGS,
}
/** A cache that is away costs 50 ms a request until the circuit opens, and is looked for every second. */
const CIRCUIT = { volumeThreshold: 20, errorThresholdPercentage: 50, resetTimeoutMs: 1_000 }

type ConsolidadoSettings = {
  lancamentos: LogAddress
  /** Between two rounds of verification; 0 turns it off. */
  verificarMs: number
  /** For tests: another name in Redis. */
  cachePrefix?: string | undefined
}

/** The service `consolidado`: projects the ledger into daily balances and answers with them. */
export const consolidado = defineService({
  name: 'consolidado',
  port: 3002,
  env: {
    ...FOLLOW_ENV,
    FEED_URL: envUrl('http', 'https').describe('where the ledger answers, for GET /eventos'),
    VERIFICACAO_MS: envDurationMs().default(60_000).describe('between two rounds of verification; 0 turns it off'),
  },
  settings: (env): ConsolidadoSettings => ({
    lancamentos: logAddress(env, env.FEED_URL, env.PARTICOES ?? 1),
    verificarMs: env.VERIFICACAO_MS,
  }),
  /** One statement at a time per partition and instance, repair beside it, and the small questions. */
  pool: { name: 'consolidado', max: 4, settings: { plan_cache_mode: 'force_generic_plan' } },
  migrations: migrationsOf('consolidado'),
  open: (ctx) => {
    const { redis, registry, sql, settings } = ctx
    const { cachePrefix: prefix = CACHE_PREFIX } = settings
    const reads = ctx.pool(READS)
    const log = ctx.logAt('eventos', STREAM_PREFIX, settings.lancamentos)
    const breakers = {
      cache: createBreaker({ name: 'redis-cache', ...CIRCUIT, registry }),
      query: createBreaker({ name: 'postgres-consulta', ...CIRCUIT, isFailure: isAway, registry }),
    }
    const cache = createVersionedCache({
      redis: redis.cache,
      prefix,
      breaker: breakers.cache,
      registry,
      name: 'consolidado',
    })
    const closeCache = async (): Promise<void> => {
      await cache.close()
      for (const breaker of Object.values(breakers)) breaker.close()
    }
    const policy = createPolicy({
      ...READ_LIMITS,
      name: 'postgres-consulta',
      breaker: breakers.query,
      isTransient: isAway,
    })
    const store = createBalanceReadStore({ sql: reads, policy })
    const projection = ctx.follow(
      { ...createProjection({ sql, cache, registry }), log },
      { sql, lease: { name: 'reparo' } },
    )
    const postgres = async () => void (await reads`select 1`)
    const cached = async () => void (await redis.commands.ping())
    return {
      checks: [
        // Either can answer for days that are known: an instance taken out because the database is away would take the cached days with it.
        { name: 'leitura', required: true, check: () => Promise.any([postgres(), cached()]) },
        { name: 'postgres-consolidado', required: false, check: postgres },
      ],
      followers: [projection],
      routes: [createConsultarRoutes({ ...ctx, store, cache, inbox: projection.inbox, particoes: log.particoes })],
      workers: [
        assembleVerificar({ ...ctx, ...settings, ...log, cachePrefix: prefix, log: ctx.log }),
        { close: closeCache },
      ],
    }
  },
})
