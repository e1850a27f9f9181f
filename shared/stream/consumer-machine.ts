import { backoffMs } from './backoff.ts'
import type { Batch } from './reply.ts'

/**
 * The consumer's mind: what to do next is a pure function of this state, so that a simulation can drive it through any history.
 *
 * Two lanes run beside each other, each with at most one action in flight. The *source* lane opens a session with Redis (which makes
 * sure of the group) and brings batches; the *work* lane applies the batch in hand, then acks it. One batch may wait behind the one in
 * hand (prefetch), no more: while the work is paused nothing further is delivered to this consumer, and no delivery count burns.
 */
export type Machine = {
  readonly stopping: boolean
  readonly session: 'closed' | 'open'
  /** Entries delivered to this consumer may lie unacked on the server: read them (id 0) before anything new. */
  readonly ownDue: boolean
  readonly sourceBusy: boolean
  readonly sourceFailures: number
  /** Time before which the source lane rests. */
  readonly sourceAt: number
  /** Time of the next reclaim, and where a reclaim under way goes on. */
  readonly claimAt: number
  readonly claimCursor: string
  readonly hand: Batch | undefined
  readonly stage: 'apply' | 'ack'
  readonly next: Batch | undefined
  readonly workBusy: boolean
  readonly workFailures: number
  readonly workAt: number
}

/** What the source lane does next: open a session, read own pending, reclaim, or read what is new. */
export type SourceAction = { kind: 'open' } | { kind: 'own' } | { kind: 'claim'; cursor: string } | { kind: 'read' }
/** What the work lane does next with the batch in hand. */
export type WorkAction = { kind: 'apply'; batch: Batch } | { kind: 'ack'; batch: Batch }
/** Nothing before the time `until`. */
export type Wait = { kind: 'wait'; until: number }

/**
 * What happened. Every failure of the source ends in a new session, whatever it was: a lost connection, a late reply, a lost group. One
 * way back is one way to get right, and it begins with the group and own pending.
 */
export type ConsumerEvent =
  | { type: 'opened' }
  | { type: 'own-read'; batch: Batch }
  | { type: 'claimed'; batch: Batch; cursor: string }
  | { type: 'new-read'; batch: Batch }
  | { type: 'session-lost' }
  | { type: 'applied' }
  | { type: 'acked' }
  | { type: 'work-failed' }
  | { type: 'stop' }

/** Values that the machine must not fetch itself: time in ms, a random number in [0, 1), and the pace of reclaiming. */
export type Surroundings = { now: number; random: number; claimEveryMs: number }

/** Where a reclaim starts, and the cursor by which the server says that it has seen everything. */
export const CLAIM_START = '0-0'

/** A consumer that has not done anything yet: its first steps are a session, own pending, a reclaim. */
export function initialMachine(): Machine {
  return {
    stopping: false,
    session: 'closed',
    ownDue: true,
    sourceBusy: false,
    sourceFailures: 0,
    sourceAt: 0,
    claimAt: 0,
    claimCursor: CLAIM_START,
    hand: undefined,
    stage: 'apply',
    next: undefined,
    workBusy: false,
    workFailures: 0,
    workAt: 0,
  }
}

/** The source lane's next action at `now`; undefined when it has to wait for an event. */
export function nextSource(m: Machine, now: number): SourceAction | Wait | undefined {
  if (m.sourceBusy || m.stopping) return undefined
  if (now < m.sourceAt) return { kind: 'wait', until: m.sourceAt }
  if (m.session === 'closed') return { kind: 'open' }
  if (m.next !== undefined || m.workFailures > 0) return undefined
  // With a batch in hand, id 0 would bring that batch again.
  if (m.ownDue) return m.hand === undefined ? { kind: 'own' } : undefined
  if (m.claimCursor !== CLAIM_START || now >= m.claimAt) return { kind: 'claim', cursor: m.claimCursor }
  return { kind: 'read' }
}

/** The work lane's next action at `now`; undefined when it has to wait for an event. A stopping consumer does not retry. */
export function nextWork(m: Machine, now: number): WorkAction | Wait | undefined {
  if (m.workBusy || m.hand === undefined) return undefined
  if (m.stopping && m.workFailures > 0) return undefined
  if (now < m.workAt) return { kind: 'wait', until: m.workAt }
  return { kind: m.stage, batch: m.hand }
}

/** Whether a stopping consumer has nothing left to finish: what it could not finish stays pending, for others to reclaim. */
export function isFinished(m: Machine): boolean {
  if (!m.stopping || m.sourceBusy || m.workBusy) return false
  return m.hand === undefined || m.workFailures > 0
}

/** The state after `event`. */
export function advance(m: Machine, event: ConsumerEvent, around: Surroundings): Machine {
  switch (event.type) {
    case 'opened':
      return { ...m, sourceBusy: false, session: 'open', ownDue: true, claimCursor: CLAIM_START }
    case 'session-lost': {
      const failures = m.sourceFailures + 1
      const sourceAt = around.now + backoffMs(failures, around.random)
      return { ...m, session: 'closed', sourceBusy: false, sourceFailures: failures, sourceAt }
    }
    case 'own-read':
      return received({ ...m, ownDue: event.batch.ids.length > 0 }, event.batch)
    case 'new-read':
      return received(m, event.batch)
    case 'claimed': {
      const claimAt = around.now + around.claimEveryMs * (0.5 + around.random)
      const done = event.cursor === CLAIM_START
      return received({ ...m, claimCursor: event.cursor, claimAt: done ? claimAt : m.claimAt }, event.batch)
    }
    case 'applied':
      return { ...m, workBusy: false, workFailures: 0, workAt: 0, stage: 'ack' }
    case 'acked':
      return { ...m, workBusy: false, workFailures: 0, workAt: 0, stage: 'apply', hand: m.next, next: undefined }
    case 'work-failed': {
      const failures = m.workFailures + 1
      return { ...m, workBusy: false, workFailures: failures, workAt: around.now + backoffMs(failures, around.random) }
    }
    case 'stop':
      return { ...m, stopping: true }
  }
}

/** What the outside is told: paused by the handler, without Redis, reading, or stopped. */
export function situation(m: Machine): 'lendo' | 'pausado' | 'sem-redis' {
  if (m.workFailures > 0) return m.stage === 'apply' ? 'pausado' : 'sem-redis'
  return m.session === 'open' ? 'lendo' : 'sem-redis'
}

function received(m: Machine, batch: Batch): Machine {
  const calm = { ...m, sourceBusy: false, sourceFailures: 0 }
  if (batch.ids.length === 0) return calm
  return m.hand === undefined ? { ...calm, hand: batch, stage: 'apply' } : { ...calm, next: batch }
}
