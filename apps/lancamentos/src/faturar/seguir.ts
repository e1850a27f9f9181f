import { createFollower, type Follower } from '@fluxo/shared/follow/follower'
import { createLease } from '@fluxo/shared/postgres/lease'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { createFeed } from '@fluxo/shared/repair/feed'
import type { FeedClientDeps } from '@fluxo/shared/repair/feed-client'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import { createLancar, type LancarDeps } from './lancar.ts'
import { type Lancavel, lerEvento } from './ler-evento.ts'

/** Where the orders' events come from. */
export type PedidosOptions = {
  /** The feed of the orders' log, such as `http://entregas:3003/entregas`; `fetch` calls it in memory. */
  eventos: Pick<FeedClientDeps, 'baseUrl' | 'token' | 'fetch'>
  /** Partitions of the orders' log. */
  particoes: number
  instancia: string
  /** For tests: other names in Redis, other waits. */
  streamPrefix?: string
  claimIdleMs?: number
  graceMs?: number
}

export type SeguirDeps = LancarDeps & {
  pedidos: PedidosOptions
  databaseUrl: string
  sql: Sql
  redis: RedisConnections
  registry: Registry
}

/** Streams of the orders' events. The name is the contract with entregas. */
const STREAM_PREFIX = 'fluxo:pedidos'
/** The consumer group of the ledger on them. */
const GRUPO = 'lancamentos'
/** Keys of the lease of repair: the kind of work, and one for all partitions. */
const REPARO_LOCK = [7_264_202, 0] as const

/** Follows the orders' log: a paid delivery becomes an entry, and its return the reversal, once each. */
export function createFaturamento(deps: SeguirDeps): Follower & { close: () => void } {
  const { pedidos, databaseUrl, registry, log } = deps
  const { eventos, particoes, streamPrefix = STREAM_PREFIX } = pedidos
  const feed = createFeed({ ...eventos, name: 'pedidos', particoes, registry })
  const lancar = createLancar(deps)
  const follower = createFollower<Lancavel>({
    ...deps,
    ...pedidos,
    streamPrefix,
    grupo: GRUPO,
    feed,
    epocaDoLog: feed.epoca,
    lease: createLease({ url: databaseUrl, key: REPARO_LOCK, name: 'reparo pedidos', log }),
    ler: lerEvento,
    antes: (_, rows) => lancar(rows),
    // The entries are in the ledger before their positions are noted; nothing else is to be done with them.
    effect: { columns: [], ctes: 'nada as (select 1)', result: 'null::text', parse: () => undefined },
  })
  return { ...follower, close: feed.close }
}
