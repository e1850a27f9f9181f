import { backoffMs } from '../resilience/backoff.ts'
import type { Batch } from './reply.ts'

/**
 * The consumer's mind: what to do next is a pure function of this state, so that a simulation can drive it through any history.
 *
 * Three lanes run beside each other, each with at most one action in flight. *Source* opens a session with Redis (which makes sure of
 * the group) and brings batches, *apply* gives the batch in hand to the handler, *ack* tells Redis about the one applied before it. A
 * batch moves `next → hand → toAck`, so three at most are held: while a lane rests after a failure everything behind it waits, nothing
 * further is delivered to this consumer, and no delivery count burns.
 */
export type Machine = {
  readonly stopping: boolean
  readonly session: 'closed' | 'open'
  /** Entries delivered to this consumer may lie unacked on the server: read them (id 0) before anything new. */
  readonly ownDue: boolean
  /** Time of the next reclaim, and where a reclaim under way goes on. */
  readonly claimAt: number
  readonly claimCursor: string
  readonly next: Batch | undefined
  readonly hand: Batch | undefined
  /** The batch in hand is applied and waits for the ack before it. */
  readonly handApplied: boolean
  readonly toAck: Batch | undefined
  readonly lanes: Readonly<Record<LaneName, Lane>>
}

export type LaneName = 'source' | 'apply' | 'ack'
/** All lanes, in the order in which they are looked at. */
export const LANES: readonly LaneName[] = ['source', 'apply', 'ack']

/** Whether an action is in flight, how many failed in a row, and the time before which the lane rests. */
type Lane = { readonly busy: boolean; readonly failures: number; readonly at: number }
const CALM: Lane = { busy: false, failures: 0, at: 0 }

/** Open a session, read own pending, reclaim from others, read what is new. */
export type SourceAction = { kind: 'open' } | { kind: 'own' } | { kind: 'claim'; cursor: string } | { kind: 'read' }
/** Give a batch to the handler, or tell Redis that it was applied. */
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
  | { type: 'applied' }
  | { type: 'acked' }
  | { type: 'failed'; lane: LaneName }
  | { type: 'stop' }

/**
 * Values that the machine must not fetch itself: time in ms, a random number in [0, 1), the pace of reclaiming, and how long to
 * let entries gather after a read that shows that they come in numbers.
 */
export type Surroundings = { now: number; random: number; claimEveryMs: number; gatherMs?: number }

/** A read with so many entries was made under load: a moment later there is a bigger batch, and a slow trickle never waits. */
export const BUSY_ENTRIES = 16

/** Where a reclaim starts, and the cursor by which the server says that it has seen everything. */
export const CLAIM_START = '0-0'

/** A consumer that has not done anything yet: its first steps are a session, own pending, a reclaim. */
export function initialMachine(): Machine {
  return {
    stopping: false,
    session: 'closed',
    ownDue: true,
    claimAt: 0,
    claimCursor: CLAIM_START,
    next: undefined,
    hand: undefined,
    handApplied: false,
    toAck: undefined,
    lanes: { source: CALM, apply: CALM, ack: CALM },
  }
}

/** What `lane` does next at `now`; undefined when it has to wait for an event. */
export function nextAction(m: Machine, lane: LaneName, now: number): SourceAction | WorkAction | Wait | undefined {
  const { busy, at } = m.lanes[lane]
  const action = busy ? undefined : wanted(m, lane, now)
  return action !== undefined && now < at ? { kind: 'wait', until: at } : action
}

/** The state once the action of `lane` is in flight. */
export function started(m: Machine, lane: LaneName): Machine {
  return withLane(m, lane, { ...m.lanes[lane], busy: true })
}

/** Whether a stopping consumer has nothing left to finish: what it could not finish stays pending, for others to reclaim. */
export function isFinished(m: Machine): boolean {
  if (!m.stopping || LANES.some((lane) => m.lanes[lane].busy)) return false
  return (m.hand === undefined || isFailing(m)) && (m.toAck === undefined || m.lanes.ack.failures > 0)
}

/** The state after `event`. */
export function advance(m: Machine, event: ConsumerEvent, around: Surroundings): Machine {
  switch (event.type) {
    case 'opened':
      // Failures are not forgotten yet: a session that opens and then cannot read must not be opened in a hot loop.
      return {
        ...withLane(m, 'source', { ...m.lanes.source, busy: false }),
        session: 'open',
        ownDue: true,
        claimCursor: CLAIM_START,
      }
    case 'own-read':
      return received({ ...m, ownDue: event.batch.ids.length > 0 }, event.batch)
    case 'new-read':
      return gathering(received(m, event.batch), event.batch, around)
    case 'claimed': {
      const claimAt = around.now + around.claimEveryMs * (0.5 + around.random)
      const done = event.cursor === CLAIM_START
      return received({ ...m, claimCursor: event.cursor, claimAt: done ? claimAt : m.claimAt }, event.batch)
    }
    case 'applied':
      return passOn({ ...withLane(m, 'apply', CALM), handApplied: true })
    case 'acked':
      return passOn({ ...withLane(m, 'ack', CALM), toAck: undefined })
    case 'failed': {
      const failures = m.lanes[event.lane].failures + 1
      const at = around.now + backoffMs(failures, around.random)
      const rested = withLane(m, event.lane, { busy: false, failures, at })
      return event.lane === 'source' ? { ...rested, session: 'closed' } : rested
    }
    case 'stop':
      return { ...m, stopping: true }
  }
}

/** The consumer's state as it is shown: paused by the handler, without Redis, or reading. */
export function situation(m: Machine): 'reading' | 'paused' | 'no-redis' {
  if (m.lanes.apply.failures > 0) return 'paused'
  return m.session === 'open' && m.lanes.ack.failures === 0 ? 'reading' : 'no-redis'
}

function wanted(m: Machine, lane: LaneName, now: number): SourceAction | WorkAction | undefined {
  switch (lane) {
    case 'source':
      return m.stopping ? undefined : wantedFromSource(m, now)
    case 'apply':
      // A stopping consumer does not try again.
      if (m.hand === undefined || m.handApplied || (m.stopping && isFailing(m))) return undefined
      return { kind: 'apply', batch: m.hand }
    case 'ack':
      if (m.toAck === undefined || (m.stopping && m.lanes.ack.failures > 0)) return undefined
      return { kind: 'ack', batch: m.toAck }
  }
}

function wantedFromSource(m: Machine, now: number): SourceAction | undefined {
  if (m.session === 'closed') return { kind: 'open' }
  if (m.next !== undefined || isFailing(m)) return undefined
  // With a batch in hand or unacked, id 0 would bring that batch again.
  if (m.ownDue) return m.hand === undefined && m.toAck === undefined ? { kind: 'own' } : undefined
  if (m.claimCursor !== CLAIM_START || now >= m.claimAt) return { kind: 'claim', cursor: m.claimCursor }
  return { kind: 'read' }
}

function isFailing({ lanes }: Machine): boolean {
  return lanes.apply.failures > 0 || lanes.ack.failures > 0
}

function received(m: Machine, batch: Batch): Machine {
  const calm = withLane(m, 'source', CALM)
  return batch.ids.length === 0 ? calm : passOn({ ...calm, next: batch })
}

function gathering(m: Machine, { ids }: Batch, { now, gatherMs = 0 }: Surroundings): Machine {
  return ids.length < BUSY_ENTRIES ? m : withLane(m, 'source', { ...CALM, at: now + gatherMs })
}

/** Moves batches on where the place before them is free: an applied one to the ack, then the waiting one into the hand. */
function passOn(m: Machine): Machine {
  const acks = m.handApplied && m.toAck === undefined
  const freed = acks ? { ...m, toAck: m.hand, hand: undefined, handApplied: false } : m
  return freed.hand === undefined ? { ...freed, hand: freed.next, next: undefined } : freed
}

function withLane(m: Machine, lane: LaneName, value: Lane): Machine {
  return { ...m, lanes: { ...m.lanes, [lane]: value } }
}
