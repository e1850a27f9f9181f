import type { Redis } from 'ioredis'
import type { FeedClient } from '../feed/client.ts'
import type { Positioned } from '../inbox/inbox.ts'
import type { Effect, InboxTable } from '../inbox/statement.ts'
import type { Watermark } from '../inbox/watermark.ts'
import type { Reader } from '../log/event.ts'
import type { Registry } from '../telemetry/metrics.ts'
import type { LetterCount } from './letter-store.ts'
import type { Stops } from './stops.ts'

/** How an event came: delivered by the stream, pulled from the log, or kept as a dead letter and applied again. */
export type Origin = 'stream' | 'feed' | 'redrive'

/** A row that can never be applied, and why. */
export type Refused = { posicao: number; reason: string }

/** What is durable now: rows of one partition and one epoch, those that cannot be applied among them. */
export type Commit<Row, Touched> = {
  particao: number
  origin: Origin
  rows: readonly Row[]
  /** How many of them had their effect now, and how many had it before. */
  applied: number
  repeated: number
  /** What the effect gave back. */
  touched: readonly Touched[]
}

/** A log as its followers see it. */
export type FollowedLog = {
  /** Its streams in Redis: `<prefix>:{<particao>}`. */
  streamPrefix: string
  particoes: number
  /** The log itself: what no stream brings is pulled from it. */
  feed: FeedClient
}

/** What metrics show of a group. */
export type ShownGroup = {
  group: string
  /** The log that it follows, as its owner's metrics call it: a group may follow several. */
  log: string
  streamPrefix: string
  particoes: number
  redis: Redis
  /** The partitions whose log this instance has seen to be another one: of another epoch nothing is noted in the database. */
  stops: Pick<Stops, 'has'>
  watermarks: () => Promise<Watermark[]>
  letters: () => Promise<LetterCount>
  registry: Registry
}

/**
 * What became of events: applied now or before, dropped with a former log, kept as dead letters; or positions that the log
 * does not have.
 */
type EventEnd = 'applied' | 'repeated' | 'dropped' | 'kept' | 'absent'
export type CountEvents = (end: EventEnd, events: number, where: { particao: number; origin: Origin }) => void

/** Exports what is shown of a group, and gives the function that counts its events. */
export type FollowMetrics = (shown: ShownGroup) => CountEvents

/**
 * What an app declares to follow a log: how it reads an event, what it does with it, and where it notes that.
 *
 * @example
 * createFollower(
 *   {
 *     log: { streamPrefix: 'fluxo:pedidos', particoes, feed },
 *     group: 'avisos',
 *     read: (evento, posicao) => ({ posicao, id: evento.id, tipo: evento.type }),
 *     effect: { columns: [], ctes: 'noted as (insert into aviso select id from novos)', result: 'null::text', parse: () => 0 },
 *   },
 *   { instance, redis, sql, lease, log, registry },
 * )
 */
export type Group<Row extends Positioned, Touched = unknown> = {
  /** The consumer group. */
  group: string
  /** The group's own inbox, where its database has more than one; by default `inbox_particao`. */
  inbox?: InboxTable | undefined
  /** Reads one event. An event on which it throws can never be applied. */
  read: Reader<Row>
  /** What is done with new rows, in the statement that notes them. */
  effect: Effect<Row, Touched>
  /**
   * What is done before the rows are noted, where that cannot be one statement with it. Must be idempotent: it happens
   * again for rows that were given before. Gives the rows that can never be applied; a rejection means "not now".
   */
  before?: ((particao: number, rows: readonly Row[]) => Promise<readonly Refused[]>) | undefined
  /**
   * What is done once the rows are durable, before they are acknowledged. A rejection means "not now": they are given again, as
   * `repeated`. Happens again for rows that were given before.
   */
  committed?: ((commit: Commit<Row, Touched>) => Promise<void> | void) | undefined
  /**
   * For a group whose effect somebody waits for: consumers of one partition within an instance. While PostgreSQL applies the batch of
   * one, the other reads its own and acknowledges. Without it there is one, which gathers before it reads.
   */
  lanes?: number | undefined
  /** The names of its spans, where its steps are told apart; by default `follow <group>` alone. */
  spans?: { batch: string; apply: string; committed: string } | undefined
  /** What an operator does where the log is another one than was followed. */
  remedy?: string | undefined
  /** Whether dead letters are copied to the stream `<prefix>:dlq:{<particao>}` for people and tools. */
  copiesLetters?: boolean | undefined
  /** Shows the group; by default as `fluxo_follow_*`. */
  metrics?: FollowMetrics | undefined
}
