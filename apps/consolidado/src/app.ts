import { setTimeout as delay } from 'node:timers/promises'
import { migrationsOf } from '@fluxo/drizzle/journal'
import { createVersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { createFeed } from '@fluxo/shared/feed/feed'
import { createFollower, type Timings } from '@fluxo/shared/follow/follower'
import type { Verifier } from '@fluxo/shared/http/auth'
import type { AppModule, HealthCheck } from '@fluxo/shared/http/module'
import { createLease } from '@fluxo/shared/postgres/lease'
import { exportPostgresMetrics } from '@fluxo/shared/postgres/metrics'
import { createSchemaGate } from '@fluxo/shared/postgres/schema-gate'
import { closeSql, createSql, type Sql, withDeadline } from '@fluxo/shared/postgres/sql'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { exportRedisMetrics } from '@fluxo/shared/redis/metrics'
import { createBreaker } from '@fluxo/shared/resilience/breaker'
import { createPolicy } from '@fluxo/shared/resilience/policy'
import { createJanitor } from '@fluxo/shared/stream/janitor'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import { createConsultarRoutes } from './consultar/route.ts'
import { createBalanceReadStore, isAway, READ_LIMITS, READ_SETTINGS } from './consultar/store.ts'
import { CACHE_PREFIX, CONSOLIDADO_GROUP, REPAIR_LOCK, STREAM_PREFIX } from './projetar/names.ts'
import { createProjection } from './projetar/projection.ts'
import { assembleVerificar } from './verificar/assemble.ts'

export { CACHE_PREFIX } from './projetar/names.ts'

export type ConsolidadoDeps = {
  /** URL of the service's own role on the database `consolidado`. */
  databaseUrl: string
  redis: RedisConnections
  verifier: Verifier
  limits?: Limits | undefined
  /** The ledger's feed; `fetch` calls it in memory where both services are one process. */
  eventos: {
    baseUrl: string
    token: () => string | Promise<string>
    fetch?: (url: string, init: RequestInit) => Promise<Response> | Response
  }
  /** As the ledger was made with. */
  particoes: number
  /** Name of this instance in the consumer group; a stable one finds its own pending entries after a restart. */
  instance: string
  /** Between two rounds of verification; 0 turns it off. A minute by default. */
  verificarMs?: number
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  /** For tests: other names in Redis, other waits. */
  streamPrefix?: string | undefined
  cachePrefix?: string | undefined
  timings?: Partial<Timings> | undefined
}

/** One statement at a time per partition and instance, repair beside it, and the small questions. */
const PROJECTION_CONNECTIONS = 4
/** Reads travel pipelined, so few connections carry many. */
const READ_CONNECTIONS = 6
const POOLS = { consolidado: PROJECTION_CONNECTIONS, 'consolidado leitura': READ_CONNECTIONS }
/** How soon a start that found no database tries again. */
const PREPARE_RETRY_MS = 500
const CHECK_TIMEOUT_MS = 900
/** A cache that is away costs 50 ms a request until the circuit opens, and is looked for every second. */
const CIRCUIT = { volumeThreshold: 20, errorThresholdPercentage: 50, resetTimeoutMs: 1_000 }

/** The service `consolidado`: projects the ledger into daily balances and answers with them. */
export const createConsolidado = (deps: ConsolidadoDeps): AppModule => {
  const { databaseUrl: url, redis, verifier, eventos, particoes, log, registry } = deps
  const { streamPrefix = STREAM_PREFIX, cachePrefix = CACHE_PREFIX } = deps
  const writes = createSql({
    url,
    max: PROJECTION_CONNECTIONS,
    name: 'consolidado',
    settings: { plan_cache_mode: 'force_generic_plan' },
  })
  const reads = createSql({
    url,
    max: READ_CONNECTIONS,
    name: 'consolidado leitura',
    statementTimeoutMs: READ_LIMITS.attemptTimeoutMs,
    settings: READ_SETTINGS,
  })
  const breakers = {
    cache: createBreaker({ name: 'redis-cache', ...CIRCUIT, registry }),
    query: createBreaker({ name: 'postgres-consulta', ...CIRCUIT, isFailure: isAway, registry }),
  }
  const cache = createVersionedCache({
    redis: redis.cache,
    prefix: cachePrefix,
    breaker: breakers.cache,
    registry,
    name: 'consolidado',
  })
  const feed = createFeed({ ...eventos, name: 'eventos', particoes, registry })
  const commands = redis.commands
  const projection = createFollower(
    { ...createProjection({ sql: writes, cache, registry }), log: { streamPrefix, particoes, feed } },
    { ...deps, sql: writes, lease: createLease({ url, key: REPAIR_LOCK, name: 'reparo', log }) },
  )
  const verificarWorker = assembleVerificar({ ...deps, sql: writes, redis: commands, cachePrefix, feed })
  const janitor = createJanitor({
    redis: commands,
    prefix: streamPrefix,
    particoes,
    groups: [CONSOLIDADO_GROUP],
    log,
    registry,
  })
  exportRedisMetrics({ redis: commands, registry })
  exportPostgresMetrics({ registry, database: 'consolidado', sql: writes, pools: POOLS })

  const policy = createPolicy({
    ...READ_LIMITS,
    name: 'postgres-consulta',
    breaker: breakers.query,
    isTransient: isAway,
  })
  const store = createBalanceReadStore({ sql: reads, policy })
  const starting = createStart({
    log,
    prepare: projection.prepare,
    open: () => {
      projection.start()
      janitor.start()
      verificarWorker.start()
    },
  })
  return {
    name: 'consolidado',
    gate: createSchemaGate({ database: 'consolidado', migrations: migrationsOf('consolidado'), sql: writes, log }),
    routes: createConsultarRoutes({ store, cache, inbox: projection.inbox, verifier, limits: deps.limits, particoes }),
    checks: checksOf(reads, redis),
    start: starting.start,
    drain: async () => {
      await starting.stop()
      await Promise.all([projection.stop(), janitor.stop(), verificarWorker.stop()])
    },
    close: async () => {
      await cache.close()
      for (const breaker of Object.values(breakers)) breaker.close()
      feed.close()
      await Promise.all([closeSql(writes), closeSql(reads), verificarWorker.close()])
    },
  }
}

/**
 * Either of PostgreSQL and Redis can answer for days that are known, so the process is ready with one of them. Taking an
 * instance out because the database is away would take the cached days with it.
 */
const checksOf = (reads: Sql, redis: RedisConnections): HealthCheck[] => {
  const postgres = async () => void (await withDeadline(reads`select 1`, CHECK_TIMEOUT_MS))
  const cached = async () => void (await redis.commands.ping())
  return [
    { name: 'leitura', required: true, check: () => Promise.any([postgres(), cached()]) },
    { name: 'postgres-consolidado', required: false, check: postgres },
    { name: 'redis', required: false, check: cached },
  ]
}

type StartDeps = { log: Logger; prepare: () => Promise<void>; open: () => void }

/** Opens the doors once the database is prepared; a database that is away delays the projection, not the start. */
const createStart = ({ log, prepare, open }: StartDeps) => {
  const stopping = new AbortController()
  let trying: Promise<void> = Promise.resolve()
  const tryOnce = async (): Promise<boolean> => {
    try {
      await prepare()
    } catch (error) {
      log.warn({ err: error }, 'the projection waits for its database')
      return false
    }
    if (!stopping.signal.aborted) open()
    return true
  }
  const keepTrying = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await delay(PREPARE_RETRY_MS, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted || (await tryOnce())) return
    }
  }
  return {
    start: async () => {
      if (!(await tryOnce())) trying = keepTrying()
    },
    stop: async () => {
      stopping.abort()
      await trying
    },
  }
}
