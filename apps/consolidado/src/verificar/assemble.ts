import type { FeedClient } from '@fluxo/shared/feed/client'
import { createLease } from '@fluxo/shared/postgres/lease'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import type { DayKey } from '../projetar/saldo-store.ts'
import { createVerificarStore } from './store.ts'
import { verificarCache } from './verificar-cache.ts'
import { createVerificarWorker, VERIFICAR_LOCK, type VerificarWorker } from './worker.ts'

type AssembleVerificarDeps = {
  databaseUrl: string
  /** A pool for single statements. */
  sql: Sql
  redis: RedisConnections['commands']
  cachePrefix: string
  feed: FeedClient
  particoes: number
  /** Between two rounds; 0 turns verification off. */
  verificarMs?: number
  log: Logger
  registry: Registry
}

const VERIFICAR_MS = 60_000

/** Puts the verification in the background together, with a connection of its own. */
export function assembleVerificar(deps: AssembleVerificarDeps): VerificarWorker & { close(): Promise<void> } {
  const { databaseUrl: url, sql, redis, cachePrefix, log, verificarMs = VERIFICAR_MS } = deps
  const transactions = createTransactions({ url, max: 1, name: 'consolidado verificacao' })
  const verificarWorker = createVerificarWorker({
    ...deps,
    store: createVerificarStore(transactions),
    verificarCache: async (days: readonly DayKey[]) => {
      if (redis.status !== 'ready') return []
      return (await verificarCache({ redis, prefix: cachePrefix, sql }, days)).differences
    },
    lease: createLease({ url, key: VERIFICAR_LOCK, name: 'verificacao', log }),
    everyMs: verificarMs,
  })
  return {
    ...verificarWorker,
    start: () => (verificarMs > 0 ? verificarWorker.start() : undefined),
    close: () => transactions.close(),
  }
}
