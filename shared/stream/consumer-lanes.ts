import type { Redis } from 'ioredis'
import { type Clock, systemClock } from '../clock.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { ConsumerEvent, SourceAction, WorkAction } from './consumer-machine.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import { leaveGroup, openSession, type Reading, type Session } from './consumer-session.ts'
import type { Batch, Entry } from './reply.ts'

/** A blocked read is woken again and again until it returns: the wake-up may arrive before the read does. */
const UNBLOCK_EVERY_MS = 20
/** After this the blocked read is given up with its connection; what it may have received stays pending and is reclaimed. */
const UNBLOCK_TIMEOUT_MS = 400
/** Leaving the group is a courtesy: a Redis that does not answer must not hold up a stop. */
const LEAVE_TIMEOUT_MS = 300

type LaneDeps = {
  blocking: () => Redis
  redis: Redis
  reading: Reading
  metrics: ConsumerMetrics
  log: Logger
  handle: (entries: Entry[]) => Promise<void>
  onGap: (posicoes: number[]) => void | Promise<void>
  clock?: Clock | undefined
}

/** The source lane: does what the machine decided. */
export type Source = {
  /** Performs one action and resolves with what came of it. Rejects when it failed; then the session has ended. */
  perform(action: SourceAction): Promise<ConsumerEvent>
  /** Makes the action in flight end now: politely with CLIENT UNBLOCK, and with the connection's end where that does not help. */
  interrupt(busy: () => boolean): Promise<void>
  /** Leaves the group if nothing is pending, then ends the session. Never rejects. */
  leave(): Promise<void>
}

/** The source lane over one session at a time; `onLost` is called for a session that ended between two commands. */
export function createSource({ onLost, ...deps }: LaneDeps & { onLost: () => void }): Source {
  const { blocking, redis, reading, metrics, clock = systemClock } = deps
  let session: Session | undefined
  let running = false
  let forced = false
  const cut = Promise.withResolvers<never>()
  cut.promise.catch(() => {})

  const drop = () => {
    const dropped = session
    session = undefined
    dropped?.close()
  }
  const closed = (connection: Redis) => {
    if (session?.connection !== connection) return
    session = undefined
    // With an action in flight, that action fails and says so itself.
    if (!running) onLost()
  }
  const { begin, bring } = createBringing(deps)
  const open = async (): Promise<ConsumerEvent> => {
    const connection = blocking()
    connection.once('close', () => closed(connection))
    try {
      session = await Promise.race([begin(connection), cut.promise])
    } catch (error) {
      connection.disconnect()
      throw error
    }
    return { type: 'opened' }
  }
  const act = async (action: SourceAction): Promise<ConsumerEvent> => {
    if (action.kind === 'open') return open()
    if (session === undefined) throw new Error('the session ended')
    return bring(session, action)
  }
  return {
    perform: async (action) => {
      running = true
      try {
        return await Promise.race([act(action), cut.promise])
      } catch (error) {
        metrics.readError()
        drop()
        throw error
      } finally {
        running = false
      }
    },
    interrupt: async (busy) => {
      const deadline = clock.now() + UNBLOCK_TIMEOUT_MS
      while (busy() && session !== undefined && clock.now() < deadline) {
        session.unblock(redis).catch(() => {})
        await clock.delay(UNBLOCK_EVERY_MS)
      }
      if (!busy()) return
      forced = true
      cut.reject(new Error('the consumer is stopping'))
    },
    leave: async () => {
      // After a forced end the server may still hold our read, which would make the consumer anew: the janitor removes it later.
      if (session !== undefined && !forced) {
        const left = leaveGroup(redis, reading).catch(() => false)
        await Promise.race([left, clock.delay(LEAVE_TIMEOUT_MS)])
      }
      drop()
    },
  }
}

/** Performs what goes over a session, counts it and reports positions that no stream will deliver any more. */
function createBringing({ reading, metrics, log, onGap, clock }: LaneDeps) {
  let hadGroup = false
  const begin = async (connection: Redis): Promise<Session> => {
    const session = await openSession(connection, reading, clock)
    const found = await session.ensureGroup()
    if (found === 'created' && hadGroup) {
      metrics.groupRecreated()
      log.warn({ stream: reading.key, group: reading.group }, 'group was lost and is made anew from the start')
    }
    hadGroup = true
    return session
  }
  const gaps = (posicoes: number[]) => {
    if (posicoes.length === 0) return
    metrics.deletedWhilePending(posicoes.length)
    const line = { stream: reading.key, primeira: posicoes[0], quantidade: posicoes.length }
    log.warn(line, 'entries were deleted while pending')
    Promise.try(onGap, posicoes).catch((error: unknown) => log.error({ err: error }, 'onGap failed'))
  }
  const received = (batch: Batch): Batch => {
    metrics.delivered(batch.entries.length)
    gaps(batch.gaps)
    return batch
  }
  const bring = async (session: Session, action: Exclude<SourceAction, { kind: 'open' }>): Promise<ConsumerEvent> => {
    switch (action.kind) {
      case 'own':
        return { type: 'own-read', batch: received(await session.readOwn()) }
      case 'read':
        return { type: 'new-read', batch: received(await session.readNew()) }
      case 'claim': {
        const { batch, cursor, deleted } = await session.claim(action.cursor)
        metrics.reclaimed(batch.entries.length)
        gaps(deleted)
        return { type: 'claimed', batch: received(batch), cursor }
      }
    }
  }
  return { begin, bring }
}

/** The work lane: applies a batch or acks it, and resolves with what happened; rejects when it could not. */
export function createWork({ redis, reading, metrics, handle }: LaneDeps) {
  return async (action: WorkAction): Promise<ConsumerEvent> => {
    const { entries, ids } = action.batch
    if (action.kind === 'apply') {
      // A copy: the same batch, intact, is given again if the handler says "not now".
      if (entries.length > 0) await handle(entries.slice())
      return { type: 'applied' }
    }
    metrics.acked(await redis.xack(reading.key, reading.group, ...ids))
    return { type: 'acked' }
  }
}
