import type { Clock } from '../clock.ts'
import { createInbox, type Posicionado } from '../inbox/inbox.ts'
import type { Lease } from '../postgres/lease.ts'
import type { Sql } from '../postgres/sql.ts'
import type { RedisConnections } from '../redis/connection.ts'
import type { FeedClient } from '../repair/feed-client.ts'
import { createRepair } from '../repair/repair.ts'
import { createConsumer } from '../stream/consumer.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Registry } from '../telemetry/metrics.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { createStops } from './another-log.ts'
import { createApply } from './apply.ts'
import { createGroupLetters, type Group, readEvent, readText } from './group.ts'
import { countLetters, passAbsent } from './letter-store.ts'
import { exportFollowMetrics } from './metrics.ts'

export type { Group, Recusado } from './group.ts'

export type FollowerOptions<Row extends Posicionado> = Group<Row> & {
  /** The name of this instance in the group. */
  instancia: string
  redis: RedisConnections
  /** The log's streams in Redis, and how many partitions it has. */
  streamPrefix: string
  particoes: number
  /** The log itself: what no stream brings is pulled from it. */
  feed: FeedClient
  /** The epoch of the log now. Rejects where the log is away. */
  epocaDoLog: (particao: number) => Promise<string>
  /** A pool for single statements, on the database of the inbox and its letters. */
  sql: Sql
  lease: Lease
  /** Hears that a partition has got new rows. */
  depois?: (particao: number) => void
  claimIdleMs?: number
  graceMs?: number
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  clock?: Clock | undefined
}

export type Follower = {
  /** Makes the partitions' rows. Call it before `start`. */
  prepare: () => Promise<void>
  start: () => void
  stop: () => Promise<void>
}

/** Nobody waits for a follower as for a balance, and each batch costs two round trips to Redis and one to PostgreSQL. */
const GATHER_MS = 25

/**
 * Follows a log: each event has its effect once, however often and by whichever way it comes.
 *
 * The stream is the fast way and the log the sure one. What a stream delivers may be damaged or a fake, so an entry that
 * cannot be applied is kept as a dead letter and leaves a hole, and repair asks the log about it; only the log's own word passes it.
 */
export function createFollower<Row extends Posicionado>(options: FollowerOptions<Row>): Follower {
  const { sql, redis, particoes, grupo, log, registry, ler } = options
  const { effect, table, clock } = options
  const inbox = createInbox({ sql, effect, clock, ...(table && { table }) })
  const stops = createStops(options)
  exportFollowMetrics({ grupo, stops, marcas: () => inbox.marcas(), letters: () => countLetters(sql, table), registry })
  const apply = createApply({ ...options, inbox, stops, letters: createGroupLetters(options, { inbox, sql, log }) })

  const consumers = Array.from({ length: particoes }, (_, particao) =>
    createConsumer({
      blocking: redis.blocking,
      redis: redis.commands,
      prefix: options.streamPrefix,
      particao,
      group: grupo,
      consumer: options.instancia,
      gatherMs: GATHER_MS,
      ...(options.claimIdleMs !== undefined && { claimIdleMs: options.claimIdleMs }),
      handle: (entries) => {
        const chegados = entries.map(({ posicao, body, attempts }) => ({
          posicao,
          tentativas: attempts ?? 1,
          lido: readText(ler, posicao, body),
          body: () => body,
        }))
        return apply(particao, chegados, 'stream')
      },
      // What vanished from the stream is a hole of the inbox, and repair fills holes.
      onGap: () => {},
      log,
      registry,
      ...(clock && { clock }),
    }),
  )
  const repair = createRepair({
    name: grupo,
    lease: options.lease,
    feed: options.feed,
    marcas: () => inbox.marcas(),
    particoes,
    redisUp: () => redis.status() === 'up' && consumers.every((one) => one.state() !== 'sem-redis'),
    aplicar: (particao, eventos) => {
      const chegados = eventos.map(({ posicao, evento }) => ({
        posicao,
        tentativas: 1,
        lido: readEvent(ler, posicao, evento),
        body: () => JSON.stringify(evento),
      }))
      return apply(particao, chegados, 'feed')
    },
    ausentes: async (particao, posicoes) => {
      await passAbsent({ sql, inbox, table }, particao, posicoes)
      log.error({ grupo, particao, primeira: posicoes[0], quantidade: posicoes.length }, 'the log lacks positions')
    },
    divergencia: async (particao, motivo) => {
      if (motivo === undefined) return stops.moved(particao)
      // Another epoch is refused by every apply anyway, and ends by itself if the right log returns.
      if (motivo !== 'epoca-divergente') await inbox.stop(particao, motivo)
      stops.stopped(particao, motivo)
    },
    ...(options.graceMs !== undefined && { graceMs: options.graceMs }),
    log,
    registry,
    ...(clock && { clock }),
  })
  return {
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
