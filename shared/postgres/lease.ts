import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../telemetry/logger.ts'
import { closeSql, createSql, type Sql, withDeadline } from './sql.ts'

export type Lease = {
  /** True while this process holds the lease, as far as it knows. */
  held: () => boolean
  /**
   * Runs `work` each time the lease is won, until `stop`. The signal aborts when the lease is lost or `stop` is called;
   * `work` must end soon after. Resolves after `stop`.
   */
  whileHeld: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>
  stop: () => Promise<void>
}

export type LeaseOptions = {
  url: string
  /** The advisory lock's two int4 keys: the kind of work and the partition. */
  key: readonly [number, number]
  name: string
  log: Logger
}

/** How soon a stand-by takes over after the holder's connection is gone. */
const RETRY_MS = 500
/** How often the holder asks whether its connection, and so its lock, is still there. */
const HEARTBEAT_MS = 1_000
const REPLY_DEADLINE_MS = 3_000
/**
 * The server ends the holder's session, and so gives the lock back, where it has not heard a heartbeat for this long: a
 * holder that is frozen or cut off without a word would otherwise keep it until TCP notices, which takes two hours.
 */
const UNHEARD_MS = 6_000

/**
 * One worker at a time among all instances: a session-level advisory lock on a connection of its own.
 *
 * The lock ends with the connection, so a killed holder is succeeded at once. A holder that is cut off may go on for a
 * moment beside its successor: the work under a lease must be idempotent, the lease only saves doing it twice.
 */
export const createLease = ({ url, key, name, log }: LeaseOptions): Lease => {
  const stopping = new AbortController()
  let held = false
  let running: Promise<void> = Promise.resolve()

  const heartbeat = async (sql: Sql, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await delay(HEARTBEAT_MS, undefined, { signal })
      await withDeadline(sql`select 1`, REPLY_DEADLINE_MS)
    }
  }

  const win = async (sql: Sql, signal: AbortSignal): Promise<void> => {
    for (;;) {
      signal.throwIfAborted()
      const [row] = await withDeadline(
        sql<{ won: boolean }[]>`select pg_try_advisory_lock(${key[0]}::int4, ${key[1]}::int4) as won`,
        REPLY_DEADLINE_MS,
      )
      if (row?.won === true) return
      await delay(RETRY_MS, undefined, { signal })
    }
  }

  const term = async (sql: Sql, connection: AbortController, work: (signal: AbortSignal) => Promise<void>) => {
    const signal = AbortSignal.any([connection.signal, stopping.signal])
    await win(sql, signal)
    held = true
    log.info({ lease: name, key }, 'lease won')
    const beat = heartbeat(sql, signal).catch(() => connection.abort())
    try {
      await work(signal)
    } finally {
      held = false
      connection.abort()
      await beat
      log.info({ lease: name, key }, 'lease ended')
    }
  }

  const loop = async (work: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    while (!stopping.signal.aborted) {
      // A client for each term: a reconnected session no longer holds the lock, whatever postgres.js makes of it.
      const connection = new AbortController()
      const settings = { idle_session_timeout: String(UNHEARD_MS) }
      const sql = createSql({ url, max: 1, name, settings, onclose: () => connection.abort() })
      try {
        await term(sql, connection, work)
      } catch (error) {
        if (!stopping.signal.aborted) log.warn({ lease: name, err: error }, 'lease lost')
      } finally {
        await closeSql(sql)
      }
      await delay(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }

  return {
    held: () => held,
    whileHeld: (work) => {
      running = loop(work)
      return running
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
