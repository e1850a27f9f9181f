import type { FeedClientDeps } from '@fluxo/shared/feed/client'
import { createFeed } from '@fluxo/shared/feed/feed'
import { createFollower, type Follower, type Timings } from '@fluxo/shared/follow/follower'
import type { Group } from '@fluxo/shared/follow/group'
import type { Effect } from '@fluxo/shared/inbox/statement'
import { createLease } from '@fluxo/shared/postgres/lease'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import { type EntregaEvento, readEntregaPaga } from './read-evento.ts'
import { createRecord, type RecordDeps } from './record.ts'

/** Where the orders' events come from. */
export type PedidosOptions = {
  /** The feed of the orders' log, such as `http://entregas:3003/entregas`; `fetch` calls it in memory. */
  eventos: Pick<FeedClientDeps, 'baseUrl' | 'token' | 'fetch'>
  /** Partitions of the orders' log. */
  particoes: number
  instance: string
  /** For tests: other names in Redis, other waits. */
  streamPrefix?: string | undefined
  timings?: Partial<Timings> | undefined
}

/** Streams of the orders' events. The name is the contract with entregas. */
export const STREAM_DOS_PEDIDOS = 'fluxo:pedidos'
/** The consumer group of the ledger on them. */
export const LANCAMENTOS_GROUP = 'lancamentos'
/** Keys of the lease of repair: the kind of work, and one for all partitions. */
export const REPAIR_LOCK = [LOCKS.repair, 0] as const

/** The entries are in the ledger before their positions are noted; nothing else is to be done with them. */
const NO_EFFECT: Effect<EntregaEvento, undefined> = {
  columns: [],
  ctes: 'nada as (select 1)',
  result: 'null::text',
  parse: () => undefined,
}

/** The money of orders as a group of their log: the entries come first, the position is noted after them. */
export function entregasGroup(deps: RecordDeps): Group<EntregaEvento> {
  const record = createRecord(deps)
  return { group: LANCAMENTOS_GROUP, read: readEntregaPaga, before: (_, rows) => record(rows), effect: NO_EFFECT }
}

export type FaturamentoDeps = RecordDeps & {
  pedidos: PedidosOptions
  databaseUrl: string
  sql: Sql
  redis: RedisConnections
  registry: Registry
}

/** Follows the orders' log: a paid delivery becomes an entry, and its return the reversal, once each. */
export function createEntregasFollower(deps: FaturamentoDeps): Follower & { close: () => void } {
  const { databaseUrl, registry, log } = deps
  const { eventos, particoes, streamPrefix = STREAM_DOS_PEDIDOS, instance, timings } = deps.pedidos
  const feed = createFeed({ ...eventos, name: 'pedidos', particoes, registry })
  const lease = createLease({ url: databaseUrl, key: REPAIR_LOCK, name: 'reparo pedidos', log })
  const follower = createFollower(
    { ...entregasGroup(deps), log: { streamPrefix, particoes, feed } },
    { ...deps, instance, timings, lease },
  )
  return { ...follower, close: feed.close }
}
