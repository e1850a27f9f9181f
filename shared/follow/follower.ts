import type { Clock } from '../clock.ts'
import { createInbox, type Inbox, type Positioned } from '../inbox/inbox.ts'
import { readEvent, readText } from '../log/event.ts'
import type { Lease } from '../postgres/lease.ts'
import type { Sql } from '../postgres/sql.ts'
import type { RedisConnections } from '../redis/connection.ts'
import { createRepair } from '../repair/repair.ts'
import { type Consumer, createConsumer } from '../stream/consumer.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Registry } from '../telemetry/metrics.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { type Apply, createApply } from './apply.ts'
import { createKeepLetter } from './dead-letters.ts'
import type { CountEvents, FollowedLog, Group } from './group.ts'
import { countLetters, createLetterStore, passAbsent } from './letter-store.ts'
import { exportFollowMetrics } from './metrics.ts'
import { createStops, type Stops } from './stops.ts'

/** The waits of a follower. The defaults are where they are used; a test or a simulation sets others. */
export type Timings = {
  /** Others' entries are taken over when they lie unacknowledged this long. */
  claimIdleMs: number
  /** How long the stream may take to bring what is missing before it is pulled. */
  graceMs: number
  /** How often repair looks at each partition. */
  everyMs: number
  /** How often it asks the log for its head. */
  headEveryMs: number
  /** Entries of one read. */
  countMax: number
}

/** What an instance of a service gives its followers. */
export type FollowerContext = {
  /** The name of this instance in the group, stable across restarts where possible. */
  instance: string
  redis: RedisConnections
  /** A pool for single statements, on the database of the inbox and its letters. */
  sql: Sql
  /** One instance repairs; the others stand by. */
  lease: Lease
  timings?: Partial<Timings> | undefined
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  clock?: Clock | undefined
}

export type Follower = {
  readonly inbox: Pick<Inbox<never, unknown>, 'waitApplied'>
  /** Makes the partitions' rows. Call it before `start`. */
  prepare: () => Promise<void>
  start: () => void
  stop: () => Promise<void>
}

/** Where nobody waits for the effect: each batch costs two round trips to Redis and one to PostgreSQL. */
const GATHER_MS = 25

type Declared<Row extends Positioned, Touched> = Group<Row, Touched> & { log: FollowedLog }

/**
 * Follows a log: each event has its effect once, however often and by whichever way it comes.
 *
 * Events come from the stream, which is fast, and from the feed, which is complete. An entry of the stream may be damaged
 * or forged. So one that cannot be applied becomes a dead letter and stays a hole, until repair has read that position
 * from the feed.
 */
export function createFollower<Row extends Positioned, Touched>(
  group: Declared<Row, Touched>,
  context: FollowerContext,
): Follower {
  const { sql, redis, log, registry } = context
  const { streamPrefix, particoes, feed } = group.log
  const inbox = createInbox({ sql, effect: group.effect, table: group.inbox, clock: context.clock })
  const stops = createStops({ group: group.group, remedy: group.remedy ?? 'an operator has to look', log })
  const count = (group.metrics ?? exportFollowMetrics)({
    ...{ group: group.group, log: logOf(streamPrefix), streamPrefix, particoes },
    ...{ redis: redis.commands, stops, registry },
    watermarks: inbox.watermarks,
    letters: () => countLetters(sql, group.inbox),
  })
  const keep = createKeepLetter({
    put: createLetterStore(sql, group.inbox).put,
    copies: group.copiesLetters === true ? { redis: redis.commands, prefix: streamPrefix } : undefined,
    log: log.child({ group: group.group }),
  })
  const epochOf = async (particao: number) => (await feed.page({ particao, after: 0, limite: 1 })).epoca
  const apply = createApply({ group, inbox, keep, stops, epochOf, count, log, tracing: context.tracing })
  const consumers = consumersOf(group, context, apply)
  const redisUp = () => redis.status() === 'up' && consumers.every((one) => one.state() !== 'no-redis')
  const repair = repairOf(group, context, { inbox, stops, count, apply, redisUp })
  return {
    inbox,
    prepare: () => inbox.prepare(particoes),
    start: () => {
      for (const consumer of consumers) consumer.start()
      repair.start()
    },
    stop: async () => {
      await Promise.all([...consumers.map((one) => one.stop()), repair.stop()])
    },
  }
}

/** Streams are called after their log: `fluxo:pedidos`. */
const logOf = (streamPrefix: string): string => streamPrefix.replace(/^fluxo:/, '')

/** The consumers of all partitions. */
function consumersOf<Row extends Positioned, Touched>(
  { group, read, lanes, log: { streamPrefix, particoes } }: Declared<Row, Touched>,
  { instance, redis, timings, log, registry, clock }: FollowerContext,
  apply: Apply<Row>,
): Consumer[] {
  const consumer = (particao: number, lane: number) =>
    createConsumer({
      blocking: redis.blocking,
      redis: redis.commands,
      prefix: streamPrefix,
      particao,
      group,
      consumer: lanes === undefined ? instance : `${instance}.${lane}`,
      gatherMs: lanes === undefined ? GATHER_MS : 0,
      countMax: timings?.countMax,
      claimIdleMs: timings?.claimIdleMs,
      handle: (entries) => {
        const arrived = entries.map(({ posicao, body, attempts }) => ({
          posicao,
          attempts: attempts ?? 1,
          read: readText(read, posicao, body),
          evento: body,
        }))
        return apply({ particao, origin: 'stream', arrived })
      },
      // What vanished from the stream is a hole of the inbox, and repair fills holes.
      onGap: () => {},
      log,
      registry,
      clock,
    })
  const each = lanes ?? 1
  return Array.from({ length: particoes * each }, (_, i) => consumer(Math.floor(i / each), i % each))
}

type RepairParts<Row extends Positioned, Touched> = {
  inbox: Inbox<Row, Touched>
  stops: Stops
  count: CountEvents
  apply: Apply<Row>
  redisUp: () => boolean
}

/** Repair: pulls what is missing from the feed, applies it as the consumer does, and stops a partition of another log. */
function repairOf<Row extends Positioned, Touched>(
  { group, inbox: table, read, log: { streamPrefix, particoes, feed } }: Declared<Row, Touched>,
  { sql, lease, timings, log, registry, clock }: FollowerContext,
  { inbox, stops, count, apply, redisUp }: RepairParts<Row, Touched>,
) {
  const told = new Set<string>()
  return createRepair({
    name: group,
    of: logOf(streamPrefix),
    lease,
    feed,
    watermarks: inbox.watermarks,
    particoes,
    redisUp,
    apply: (particao, eventos) => {
      const arrived = eventos.map(({ posicao, evento }) => ({
        posicao,
        attempts: 1,
        read: readEvent(read, posicao, evento),
        evento,
      }))
      return apply({ particao, origin: 'feed', arrived })
    },
    // What a stream delivered under such a position, and is kept as a letter, is passed over.
    absent: async (particao, posicoes) => {
      const kept = await passAbsent(sql, inbox, table, { particao, posicoes })
      const place = `${particao}:${posicoes[0]}`
      if (kept.length === posicoes.length || told.has(place)) return
      told.add(place)
      count('absent', posicoes.length - kept.length, { particao, origin: 'feed' })
      log.error({ group, particao, first: posicoes[0], positions: posicoes.length }, 'the log lacks positions')
    },
    divergence: async (particao, reason) => {
      if (reason === undefined) return stops.moved(particao)
      // Another epoch is refused by every apply anyway, and ends by itself if the right log returns.
      if (reason !== 'epoca-divergente') await inbox.stop(particao, reason)
      stops.stopped(particao, reason)
    },
    graceMs: timings?.graceMs,
    everyMs: timings?.everyMs,
    headEveryMs: timings?.headEveryMs,
    log,
    registry,
    clock,
  })
}
