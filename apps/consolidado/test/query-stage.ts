import { createVersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { createVerifier } from '@fluxo/shared/http/auth'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createBreaker } from '@fluxo/shared/resilience/breaker'
import { createPolicy } from '@fluxo/shared/resilience/policy'
import { createServiceDatabase, redisUrl, uniquePrefix } from '@fluxo/tests/stage/databases'
import { onlyRoutes, openDoors, SILENT } from '@fluxo/tests/stage/doors'
import { SECRET } from '@fluxo/tests/stage/tokens'
import { Registry } from 'prom-client'
import { type ConsultarDeps, createConsultarRoutes } from '../src/consultar/route.ts'
import { createBalanceReadStore, isAway, READ_LIMITS, READ_SETTINGS } from '../src/consultar/store.ts'
import type { Saldo } from '../src/domain/saldo.ts'

type StageOptions = {
  redis?: string
  /** Superuser URL of another PostgreSQL than the run's. */
  postgres?: string
  particoes?: number
  waitApplied?: ConsultarDeps['inbox']['waitApplied']
}

/** The service's own role, which sees all, and the one of its merchants' reads. */
const poolsOf = (url: string) => {
  const common = { url, statementTimeoutMs: READ_LIMITS.attemptTimeoutMs }
  return {
    sql: createSql({ ...common, max: 2, name: 'teste' }),
    reads: createSql({ ...common, max: 4, name: 'teste leitura', settings: READ_SETTINGS }),
  }
}

/** The read side's HTTP doors over a real server, a database of their own and a real cache; no projection behind them. */
export async function createQueryStage({ redis, postgres, particoes = 1, waitApplied }: StageOptions = {}) {
  const database = await createServiceDatabase('consolidado', { serverUrl: postgres })
  const registry = new Registry()
  const { sql, reads } = poolsOf(database.appUrl)
  const connections = createRedisConnections({ url: redis ?? redisUrl(), name: 'teste', log: SILENT })
  await connections.ready(10_000)
  const breakerOf = (name: string) =>
    createBreaker({ name, volumeThreshold: 20, errorThresholdPercentage: 50, resetTimeoutMs: 300, registry })
  const breakers = { redis: breakerOf('redis-cache'), postgres: breakerOf('postgres-consulta') }
  const prefix = uniquePrefix('consulta')
  const cache = createVersionedCache({
    redis: connections.cache,
    prefix,
    breaker: breakers.redis,
    registry,
    name: 'consolidado',
    // On a busy machine the usual 50 ms may pass, and a test of the hit would see a bypass.
    timeoutMs: 2_000,
  })
  const policy = createPolicy({
    ...READ_LIMITS,
    name: 'postgres-consulta',
    breaker: breakers.postgres,
    isTransient: isAway,
  })
  const store = createBalanceReadStore({ sql: reads, policy })
  const inbox = { waitApplied: waitApplied ?? (async () => true) }
  const verifier = createVerifier({ secret: SECRET })
  const routes = createConsultarRoutes({ store, cache, inbox, verifier, particoes })
  const doors = await openDoors(onlyRoutes('consolidado', routes), { registry })
  const askAs = async (comercianteId: string, scopes?: readonly string[]) => {
    const ask = await doors.askAs(comercianteId, scopes)
    return (path: string, headers: Record<string, string> = {}) => ask(path, { headers })
  }
  /** Puts a day where the projection would, one version further each time. */
  const projetar = async (day: Partial<Saldo> & { comercianteId: string }, geracao = 1) => {
    const { data = '2025-10-15', creditos = 0n, debitos = 0n, quantidade = 1 } = day
    await sql`
      insert into saldo (geracao, comerciante_id, data, creditos, debitos, quantidade, versao, atualizado_em)
      values (${geracao}, ${day.comercianteId}, ${data}::date, ${String(creditos)}::numeric, ${String(debitos)}::numeric,
              ${quantidade}, ${geracao}::bigint * (1::bigint << 40) + 1, now())
      on conflict (geracao, comerciante_id, data) do update
        set creditos = excluded.creditos, debitos = excluded.debitos, quantidade = excluded.quantidade,
            versao = saldo.versao + 1, atualizado_em = excluded.atualizado_em`
  }

  return {
    url: doors.url,
    askAs,
    sql,
    reads,
    store,
    cache,
    redis: connections.cache,
    prefix,
    registry,
    projetar,
    close: async () => {
      await doors.stop(2_000)
      await cache.close()
      for (const breaker of Object.values(breakers)) breaker.close()
      await connections.close()
      await Promise.all([closeSql(sql), closeSql(reads)])
      await database.drop().catch(() => {})
    },
  }
}

export type QueryStage = Awaited<ReturnType<typeof createQueryStage>>
