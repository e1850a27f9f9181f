import { createLease } from '@fluxo/shared/postgres/lease'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { FeedClient } from '@fluxo/shared/repair/feed-client'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import type { Dia } from '../projetar/saldo-store.ts'
import { createConferenciaStore } from './conferencia-store.ts'
import { conferirCache } from './conferir-cache.ts'
import { createVigia, VERIFICACAO_LOCK, type Vigia } from './vigia.ts'

type MontarVigiaDeps = {
  databaseUrl: string
  /** A pool for single statements. */
  sql: Sql
  redis: RedisConnections['commands']
  cachePrefix: string
  feed: FeedClient
  particoes: number
  /** Between two rounds; 0 turns verification off. */
  verificacaoMs?: number
  log: Logger
  registry: Registry
}

const VERIFICACAO_MS = 60_000

/** Puts the verification in the background together, with a connection of its own. */
export function montarVigia(deps: MontarVigiaDeps): Vigia & { close(): Promise<void> } {
  const { databaseUrl: url, sql, redis, cachePrefix, log, verificacaoMs = VERIFICACAO_MS } = deps
  const transactions = createTransactions({ url, max: 1, name: 'consolidado verificacao' })
  const vigia = createVigia({
    ...deps,
    store: createConferenciaStore(transactions),
    conferirCache: async (dias: readonly Dia[]) => {
      if (redis.status !== 'ready') return []
      return (await conferirCache({ redis, prefix: cachePrefix, sql }, dias)).diferencas
    },
    lease: createLease({ url, key: VERIFICACAO_LOCK, name: 'verificacao', log }),
    everyMs: verificacaoMs,
  })
  return { ...vigia, start: () => (verificacaoMs > 0 ? vigia.start() : undefined), close: () => transactions.close() }
}
