import type { Registry } from 'prom-client'
import type { Process } from '../process.ts'
import type { PostgresServer } from '../servers/postgres-server.ts'
import type { RedisServer } from '../servers/redis-server.ts'
import type { Wire } from '../servers/wire.ts'
import type { OrdersPlan } from './plan.ts'
import type { Seams } from './seams.ts'

/** What every instance finds around it. */
export type Servers = {
  plan: OrdersPlan
  wire: Wire
  entregas: PostgresServer
  lancamentos: PostgresServer
  redisServer: RedisServer
  /** A page of the orders' feed from whichever instance answers; rejects where none does. */
  feed: (asking: Process, url: string) => Promise<Response>
  /** Whether a follower may read the log itself: not while only the stream may bring it anything. */
  pulls: () => boolean
  /** The day's calendar, the same for all. */
  now: () => Date
  newId: () => string
  seams: Seams
  /** The groups that read the orders' log. */
  readers: readonly string[]
  /** One for all: nobody looks at it. */
  registry: Registry
}

/** The pace of this world, as that of the books. */
export const PACE = { claimIdleMs: 700, graceMs: 500 }
/** Consumers are held for dead sooner than their entries are taken over. */
export const JANITOR = { everyMs: 400, deadConsumerIdleMs: 300 }

/** The name of an instance in its groups. */
export const nameOf = ({ plan }: { plan: Pick<OrdersPlan, 'stableNames'> }, { instance, life }: Process): string =>
  plan.stableNames ? instance : `${instance}.${life}`
