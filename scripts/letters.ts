import { createVersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { parseEnv } from '@fluxo/shared/env'
import { type Redriven, redriveLetters } from '@fluxo/shared/follow/redrive'
import { createNewId } from '@fluxo/shared/id'
import { INBOX, type InboxTable } from '@fluxo/shared/inbox/statement'
import { readLogState } from '@fluxo/shared/log/state'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createBreaker } from '@fluxo/shared/resilience/breaker'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { Registry } from 'prom-client'
import { z } from 'zod'
import { DAY_EVERY_MS } from '../apps/avisos/src/avisar-saldos/day-teller.ts'
import { LANCAMENTOS_INBOX, lancamentosGroup } from '../apps/avisos/src/logs/lancamentos.ts'
import { AVISOS_GROUP, PEDIDOS, PEDIDOS_INBOX } from '../apps/avisos/src/logs/pedidos.ts'
import { CACHE_PREFIX, CONSOLIDADO_GROUP as CONSOLIDADO } from '../apps/consolidado/src/projetar/names.ts'
import { createProjection } from '../apps/consolidado/src/projetar/projection.ts'
import type { FluxoOptions } from '../apps/entregas/src/fluir/fluir.ts'
import { FLUXO_GROUP as ENTREGAS, fluxoGroup } from '../apps/entregas/src/fluir/group.ts'
import { FLUXO_ENV, fluxoOptions } from '../apps/entregas/src/fluir/settings.ts'
import { entregasGroup, LANCAMENTOS_GROUP as LANCAMENTOS } from '../apps/lancamentos/src/lancar-entregas/group.ts'
import { createLancamentoStore } from '../apps/lancamentos/src/registrar/store.ts'
import { type Database, redisUrlInUse, runningInUse, serviceUrl } from './access.ts'

/** A group that keeps dead letters, and how its own parts are put together to apply them again. */
export type Keeper = {
  group: string
  table: InboxTable
  redrive: (sql: Sql, limit: number) => Promise<Redriven>
}

const BREAKER = { volumeThreshold: 20, errorThresholdPercentage: 50, resetTimeoutMs: 1_000 }
const REDIS_WAIT_MS = 3_000

const log = createLogger({ service: 'dlq', level: 'fatal' })

/** The projection, as the service has it. */
const redriveProjection: Keeper['redrive'] = async (sql, limit) => {
  const registry = new Registry()
  const redis = createRedisConnections({ url: await redisUrlInUse(), name: 'dlq', log })
  const breaker = createBreaker({ name: 'redis-cache', ...BREAKER, registry })
  const cache = createVersionedCache({ redis: redis.cache, prefix: CACHE_PREFIX, breaker, registry, name: 'dlq' })
  try {
    // Without it a redriven day would be right in the database and old in the cache.
    if (!(await redis.ready(REDIS_WAIT_MS))) throw new Error('Redis does not answer: try again when it is back.')
    return await redriveLetters(createProjection({ sql, cache, registry }), sql, limit)
  } finally {
    await cache.close()
    breaker.close()
    await redis.close()
  }
}

/** The money of orders. The ledger's relay sees new entries by itself. */
const redriveMoney: Keeper['redrive'] = async (sql, limit) => {
  const transactions = createTransactions({ url: await serviceUrl('lancamentos'), max: 1, name: 'dlq' })
  try {
    const { particoes } = await readLogState(sql, undefined)
    const store = createLancamentoStore({ sql, transactions, particoes, onCommit: () => {} })
    const group = entregasGroup({ store, newId: createNewId(), now: () => new Date(), log })
    return await redriveLetters(group, sql, limit)
  } finally {
    await transactions.close()
  }
}

/** How the automatic flow is set: in the environment, or else in the `npm start` that runs. */
const flowInUse = async (): Promise<FluxoOptions> => {
  const running = await runningInUse()
  return fluxoOptions(parseEnv(z.object(FLUXO_ENV), { ...running?.fluxo, ...process.env }))
}

/** Who keeps dead letters in each database. */
export const KEEPERS: Readonly<Record<Database, readonly Keeper[]>> = {
  consolidado: [{ group: CONSOLIDADO, table: INBOX, redrive: redriveProjection }],
  lancamentos: [{ group: LANCAMENTOS, table: INBOX, redrive: redriveMoney }],
  entregas: [
    {
      group: ENTREGAS,
      table: INBOX,
      redrive: async (sql, limit) => redriveLetters(fluxoGroup(await flowInUse()), sql, limit),
    },
  ],
  avisos: [
    { group: AVISOS_GROUP, table: PEDIDOS_INBOX, redrive: (sql, limit) => redriveLetters(PEDIDOS, sql, limit) },
    {
      group: AVISOS_GROUP,
      table: LANCAMENTOS_INBOX,
      redrive: (sql, limit) => redriveLetters(lancamentosGroup(DAY_EVERY_MS), sql, limit),
    },
  ],
}
