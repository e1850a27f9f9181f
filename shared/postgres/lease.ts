import { type Clock, systemClock } from '../clock.ts'
import type { Logger } from '../telemetry/logger.ts'
import { closeSql, createSql, withDeadline } from './sql.ts'

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

/** A session of its own with the server; what it locked is free again once it has ended. */
type LeaseSession = {
  /** Takes the lock unless another session has it. */
  tryLock: () => Promise<boolean>
  /** Rejects where the session, and so the lock, is gone. */
  ping: () => Promise<void>
  close: () => Promise<void>
}

type LeaseTerms = {
  key: readonly [number, number]
  /** Opens a session; `onclose` is called when it ends by itself. */
  open: (onclose: () => void) => LeaseSession
  name: string
  log: Logger
  clock?: Clock
}

type LeaseOptions = {
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
 * The server ends the holder's session, and so gives the lock back, where no heartbeat has come for this long: a
 * holder that is suspended or cut off would otherwise keep it until TCP notices, which takes two hours.
 */
const UNHEARD_MS = 6_000

/**
 * One worker at a time among all instances: a session-level advisory lock on a connection of its own.
 *
 * The lock ends with the connection, so another instance takes over from a killed holder at once. A holder that is cut off may go on for a
 * moment beside its successor: the work under a lease must be idempotent, the lease only saves doing it twice.
 */
export const createLease = ({ url, key, name, log }: LeaseOptions): Lease =>
  leaseOver({ open: (onclose) => advisoryLock({ url, key, name }, onclose), key, name, log })

/** The same over any session. */
export const leaseOver = ({ open, key, name, log, clock = systemClock }: LeaseTerms): Lease => {
  const stopping = new AbortController()
  let held = false
  let running: Promise<void> = Promise.resolve()

  const heartbeat = async (session: LeaseSession, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await clock.delay(HEARTBEAT_MS, signal)
      await withDeadline(session.ping(), REPLY_DEADLINE_MS, clock)
    }
  }

  const win = async (session: LeaseSession, signal: AbortSignal): Promise<void> => {
    for (;;) {
      signal.throwIfAborted()
      if (await withDeadline(session.tryLock(), REPLY_DEADLINE_MS, clock)) return
      await clock.delay(RETRY_MS, signal)
    }
  }

  const term = async (
    session: LeaseSession,
    connection: AbortController,
    work: (signal: AbortSignal) => Promise<void>,
  ) => {
    const signal = AbortSignal.any([connection.signal, stopping.signal])
    await win(session, signal)
    held = true
    log.info({ lease: name, key }, 'lease won')
    const beat = heartbeat(session, signal).catch(() => connection.abort())
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
      const connection = new AbortController()
      const session = open(() => connection.abort())
      try {
        await term(session, connection, work)
      } catch (error) {
        if (!stopping.signal.aborted) log.warn({ lease: name, err: error }, 'lease lost')
      } finally {
        await session.close()
      }
      await clock.delay(RETRY_MS, stopping.signal).catch(() => {})
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

/** A client for each term: a reconnected session no longer holds the lock, whatever postgres.js makes of it. */
const advisoryLock = (
  { url, key, name }: Pick<LeaseOptions, 'url' | 'key' | 'name'>,
  onclose: () => void,
): LeaseSession => {
  const settings = { idle_session_timeout: String(UNHEARD_MS) }
  const sql = createSql({ url, max: 1, name, settings, onclose })
  return {
    tryLock: async () => {
      const [row] = await sql<{ won: boolean }[]>`
        select pg_try_advisory_lock(${key[0]}::int4, ${key[1]}::int4) as won`
      return row?.won === true
    },
    ping: async () => void (await sql`select 1`),
    close: () => closeSql(sql),
  }
}
