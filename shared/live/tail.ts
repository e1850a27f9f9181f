import type { Redis } from 'ioredis'
import type { RedisConnections } from '../redis/connection.ts'
import { createWokenLoop } from '../resilience/loop.ts'
import { streamKey } from '../stream/keys.ts'
import { streamInfo } from '../stream/publisher.ts'
import { batchOf, flatField } from '../stream/reply.ts'
import type { Logger } from '../telemetry/logger.ts'
import { withTimeout } from '../wait.ts'

export type StreamTailDeps = {
  redis: RedisConnections
  streamPrefix: string
  particoes: number
  /** Gets the JSON text of each new event, with its position. */
  onEvento: (posicao: number, body: string) => void
  /** True where somebody wants to hear; where nobody does, nothing is read. */
  wanted: () => boolean
  /** Hears that reading (re)begins: what happened before may have been missed. */
  onStart: () => void
  log: Logger
}

type StreamTail = {
  start: () => void
  /** Says that somebody wants to hear now. */
  wake: () => void
  stop: () => Promise<void>
}

/** A finite BLOCK bounds a lost wake-up, and how long a stop waits where Redis is gone. */
const BLOCK_MS = 2_000
/** Entries of one read. */
const COUNT_MAX = 500
/** The reply to a blocked read that is this late will not come: the connection is half open. */
const GRACE_MS = 1_000

/** With no listener, the tail wakes up once a minute, in case a wake-up was lost. */
const IDLE_MS = 60_000

const SAYS = {
  failing: 'live events are read from the database for now',
  well: 'live events come from Redis again',
}

type Ids = Map<string, string>

/**
 * Reads the end of the orders' streams: every instance sees every event. No group: nothing is remembered and nothing acked, and what
 * is missed while Redis is away is somebody else's to read from PostgreSQL (`onStart`).
 */
export function createStreamTail(deps: StreamTailDeps): StreamTail {
  const { redis, streamPrefix, particoes, onEvento, wanted, onStart, log } = deps
  const keys = Array.from({ length: particoes }, (_, particao) => streamKey(streamPrefix, particao))
  let reader: Redis | undefined

  const read = async (connection: Redis, ids: Ids): Promise<void> => {
    const reading = connection.xread(
      'COUNT',
      COUNT_MAX,
      'BLOCK',
      BLOCK_MS,
      'STREAMS',
      ...keys,
      ...keys.map((key) => ids.get(key) ?? '0-0'),
    )
    const answer = await inTime(reading)
    if (answer === null) await compareEnd(connection, ids)
    for (const [key, rawEntries] of answer ?? []) {
      const { entries, ids: readIds } = batchOf(rawEntries)
      for (const { posicao, body } of entries) onEvento(posicao, body)
      const last = readIds.at(-1)
      if (last !== undefined) ids.set(key, last)
    }
  }
  /** A stream that ends before our place is another one: Redis lost it, or its log began anew. It is read from its beginning. */
  const compareEnd = async (connection: Redis, ids: Ids): Promise<void> => {
    for (const key of keys) {
      const end = await endOf(connection, key)
      if (isBefore(end, ids.get(key) ?? '0-0')) ids.set(key, '0-0')
    }
  }
  const session = async (well: () => void, signal: AbortSignal): Promise<void> => {
    const connection = redis.blocking()
    reader = connection
    try {
      const ids: Ids = new Map()
      for (const key of keys) ids.set(key, await inTime(endOf(connection, key)))
      onStart()
      while (wanted() && !signal.aborted) {
        await read(connection, ids)
        well()
      }
    } finally {
      connection.disconnect()
    }
  }
  const reading = createWokenLoop({
    turn: (well, rest, signal) => (wanted() ? session(well, signal) : rest(IDLE_MS)),
    says: SAYS,
    log,
  })
  return {
    start: reading.start,
    wake: reading.wake,
    stop: async () => {
      const stopped = reading.stop()
      reader?.disconnect()
      await stopped
    },
  }
}

async function endOf(connection: Redis, key: string): Promise<string> {
  const info = await streamInfo(connection, key)
  return info === undefined ? '0-0' : String(flatField(info, 'last-generated-id'))
}

const isBefore = (a: string, b: string): boolean => Number(a.split('-')[0]) < Number(b.split('-')[0])

const REPLY_MS = BLOCK_MS + GRACE_MS
const inTime = <T>(reply: Promise<T>): Promise<T> =>
  withTimeout(reply, REPLY_MS, () => new Error(`no reply from Redis within ${REPLY_MS} ms`))
