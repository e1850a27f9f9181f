import type { Clock } from '@fluxo/shared/clock'
import { createFollower, type Follower, type Group } from '@fluxo/shared/follow/follower'
import type { Effect } from '@fluxo/shared/inbox/statement'
import { createLease, type Lease } from '@fluxo/shared/postgres/lease'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { createFeed, type Feed } from '@fluxo/shared/repair/feed'
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

/** Where an instance is told of them, under which name, and how patiently. */
type Seguimento = Omit<PedidosOptions, 'eventos'> &
  LancarDeps & { sql: Sql; redis: RedisConnections; registry: Registry; clock?: Clock }

type SeguidorDeps = Seguimento & {
  feed: Pick<Feed, 'page' | 'epoca'>
  lease: Lease
}

type SeguirDeps = Omit<Seguimento, keyof PedidosOptions> & { pedidos: PedidosOptions; databaseUrl: string }

/** Streams of the orders' events. The name is the contract with entregas. */
const STREAM_PREFIX = 'fluxo:pedidos'
/** The consumer group of the ledger on them. */
export const GRUPO = 'lancamentos'
/** Keys of the lease of repair: the kind of work, and one for all partitions. */
export const REPARO_LOCK = [7_264_202, 0] as const

/** The entries are in the ledger before their positions are noted; nothing else is to be done with them. */
export const SEM_MAIS: Effect<Lancavel, undefined> = {
  columns: [],
  ctes: 'nada as (select 1)',
  result: 'null::text',
  parse: () => undefined,
}

/** The money of orders as a group of their log: the entries come first, the position is noted after them. */
export function grupoDoFaturamento(deps: LancarDeps): Group<Lancavel> {
  const lancar = createLancar(deps)
  return { grupo: GRUPO, ler: lerEvento, antes: (_, rows) => lancar(rows), effect: SEM_MAIS }
}

/** Follows the orders' log: a paid delivery becomes an entry, and its return the reversal, once each. */
export function createSeguidor({ streamPrefix = STREAM_PREFIX, ...deps }: SeguidorDeps): Follower {
  return createFollower<Lancavel>({
    ...deps,
    ...grupoDoFaturamento(deps),
    streamPrefix,
    epocaDoLog: deps.feed.epoca,
  })
}

/** The same with the feed and the lease of a service. */
export function createFaturamento({ pedidos, databaseUrl, ...deps }: SeguirDeps): Follower & { close: () => void } {
  const { eventos, ...seguimento } = pedidos
  const { registry, log } = deps
  const feed = createFeed({ ...eventos, name: 'pedidos', particoes: pedidos.particoes, registry })
  const lease = createLease({ url: databaseUrl, key: REPARO_LOCK, name: 'reparo pedidos', log })
  const follower = createSeguidor({ ...deps, ...seguimento, feed, lease })
  return { ...follower, close: feed.close }
}
