import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  advance,
  BUSY_ENTRIES,
  CLAIM_START,
  type ConsumerEvent,
  initialMachine,
  isFinished,
  LANES,
  type LaneName,
  type Machine,
  nextAction,
  situation,
} from './consumer-machine.ts'
import type { Batch } from './reply.ts'

const batch = (...posicoes: number[]): Batch => ({
  entries: posicoes.map((posicao) => ({ posicao, body: '{}' })),
  ids: posicoes.map((posicao) => `${posicao}-0`),
  gaps: [],
})
const NOTHING = batch()
const nextSource = (m: Machine, now: number) => nextAction(m, 'source', now)
const nextApply = (m: Machine, now: number) => nextAction(m, 'apply', now)
const nextAck = (m: Machine, now: number) => nextAction(m, 'ack', now)
const LOST: ConsumerEvent = { type: 'failed', lane: 'source' }
const GATHERING = { now: 1_000, random: 0, claimEveryMs: 10_000, gatherMs: 25 }
const AROUND = { now: 1_000, random: 0, claimEveryMs: 10_000 }
const after = (events: ConsumerEvent[], from: Machine = initialMachine(), around = AROUND) =>
  events.reduce((machine, event) => advance(machine, event, around), from)

const OPEN: ConsumerEvent[] = [{ type: 'opened' }]
const READING: ConsumerEvent[] = [
  ...OPEN,
  { type: 'own-read', batch: NOTHING },
  { type: 'claimed', batch: NOTHING, cursor: CLAIM_START },
]

describe('where entries come from', () => {
  test('a session begins with own pending until that is empty, then a reclaim, then what is new', () => {
    const at = (events: ConsumerEvent[]) => nextSource(after(events), 1_000)?.kind
    expect(at([])).toBe('open')
    expect(at(OPEN)).toBe('own')
    const own: ConsumerEvent[] = [
      ...OPEN,
      { type: 'own-read', batch: batch(1) },
      { type: 'applied' },
      { type: 'acked' },
    ]
    expect(at(own)).toBe('own')
    expect(at([...own, { type: 'own-read', batch: NOTHING }])).toBe('claim')
    expect(at(READING)).toBe('read')
  })

  test('after a read of many entries the next one waits for more, and after one of few it does not', () => {
    const many = batch(...Array.from({ length: BUSY_ENTRIES }, (_, i) => i + 1))
    const read = (found: Batch) => after([...READING, { type: 'new-read', batch: found }], undefined, GATHERING)
    const next = (found: Batch, now: number) => nextSource(advance(read(found), { type: 'applied' }, GATHERING), now)
    expect(next(many, 1_024)).toEqual({ kind: 'wait', until: 1_025 })
    expect(next(many, 1_025)?.kind).toBe('read')
    expect(next(batch(1, 2, 3), 1_000)?.kind).toBe('read')
  })

  test('own pending is read again after every lost session', () => {
    const lost = after([...READING, LOST])
    expect(nextSource(lost, 1_000)?.kind).toBe('wait')
    expect(nextSource(lost, 10_000)?.kind).toBe('open')
    expect(nextSource(after(OPEN, lost), 10_000)?.kind).toBe('own')
  })

  test('own pending waits until the batch in hand is acked: id 0 would bring it again', () => {
    const machine = after([...READING, { type: 'new-read', batch: batch(1) }, LOST, ...OPEN])
    expect(nextSource(machine, 10_000)).toBeUndefined()
    expect(nextSource(after([{ type: 'applied' }, { type: 'acked' }], machine), 10_000)?.kind).toBe('own')
  })

  test('a reclaim goes on until the server has seen everything, and comes again after its pause', () => {
    const middle = after([...READING, { type: 'claimed', batch: NOTHING, cursor: '77-0' }])
    expect(nextSource(middle, 1_000)).toEqual({ kind: 'claim', cursor: '77-0' })
    const done = after([{ type: 'claimed', batch: NOTHING, cursor: CLAIM_START }], middle)
    expect(nextSource(done, 1_000 + 4_999)?.kind).toBe('read')
    expect(nextSource(done, 1_000 + 5_000)?.kind).toBe('claim')
  })

  test('one batch may wait behind the one in hand, and then nothing more is asked for', () => {
    const one = after([...READING, { type: 'new-read', batch: batch(1) }])
    expect(nextSource(one, 1_000)?.kind).toBe('read')
    expect(nextSource(after([{ type: 'new-read', batch: batch(2) }], one), 1_000)).toBeUndefined()
  })

  test('failures in a row wait longer and longer; any reply begins anew', () => {
    const failed = (times: number) => after(Array<ConsumerEvent>(times).fill(LOST))
    const pause = (machine: Machine) => machine.lanes.source.at - AROUND.now
    expect([1, 2, 3, 20].map((times) => pause(failed(times)))).toEqual([50, 100, 200, 2_000])
    expect(after(READING, failed(20)).lanes.source.failures).toBe(0)
  })
})

describe('what is done with them', () => {
  const HOLDING: ConsumerEvent[] = [...READING, { type: 'new-read', batch: batch(1, 2) }]

  test('a batch is applied, then acked, and the next one is applied beside that ack but never acked before it', () => {
    const machine = after([...HOLDING, { type: 'new-read', batch: batch(3) }])
    expect(nextApply(machine, 1_000)).toEqual({ kind: 'apply', batch: batch(1, 2) })
    expect(nextAck(machine, 1_000)).toBeUndefined()
    const first = after([{ type: 'applied' }], machine)
    expect(nextAck(first, 1_000)).toEqual({ kind: 'ack', batch: batch(1, 2) })
    expect(nextApply(first, 1_000)).toEqual({ kind: 'apply', batch: batch(3) })
    const second = after([{ type: 'applied' }], first)
    expect(nextAck(second, 1_000)).toEqual({ kind: 'ack', batch: batch(1, 2) })
    expect(nextApply(second, 1_000)).toBeUndefined()
    expect(nextAck(after([{ type: 'acked' }], second), 1_000)).toEqual({ kind: 'ack', batch: batch(3) })
  })

  test('a failed apply gives the same batch again after a pause, and nothing is read meanwhile', () => {
    const failed = after([...HOLDING, { type: 'failed', lane: 'apply' }])
    expect(situation(failed)).toBe('paused')
    expect(nextSource(failed, 99_000)).toBeUndefined()
    expect(nextApply(failed, 1_000)).toEqual({ kind: 'wait', until: 1_050 })
    expect(nextApply(failed, 1_050)).toEqual({ kind: 'apply', batch: batch(1, 2) })
  })

  test('a failed ack is sent again; its batch is not applied again, and nothing is read meanwhile', () => {
    const failed = after([...HOLDING, { type: 'applied' }, { type: 'failed', lane: 'ack' }])
    expect(situation(failed)).toBe('no-redis')
    expect(nextSource(failed, 99_000)).toBeUndefined()
    expect(nextApply(failed, 9_000)).toBeUndefined()
    expect(nextAck(failed, 9_000)).toEqual({ kind: 'ack', batch: batch(1, 2) })
  })

  test('a batch of nothing but gaps is acked too, so that it does not stay pending', () => {
    const gaps: Batch = { entries: [], ids: ['4-0'], gaps: [4] }
    const machine = after([...OPEN, { type: 'own-read', batch: gaps }, { type: 'applied' }])
    expect(nextAck(machine, 1_000)).toEqual({ kind: 'ack', batch: gaps })
  })

  test('a stop asks for nothing more, finishes what is in hand, and does not retry what fails', () => {
    const stopping = after([...HOLDING, { type: 'stop' }])
    expect(nextSource(stopping, 9_000)).toBeUndefined()
    expect(isFinished(stopping)).toBe(false)
    const applied = after([{ type: 'applied' }], stopping)
    expect(isFinished(applied)).toBe(false)
    expect(isFinished(after([{ type: 'acked' }], applied))).toBe(true)
    for (const failed of [
      after([{ type: 'failed', lane: 'apply' }], stopping),
      after([{ type: 'failed', lane: 'ack' }], applied),
    ]) {
      expect(LANES.map((lane) => nextAction(failed, lane, 99_000))).toEqual([undefined, undefined, undefined])
      expect(isFinished(failed)).toBe(true)
    }
  })

  test('a stop still acks what was applied when the batch behind it fails', () => {
    const events: ConsumerEvent[] = [
      { type: 'new-read', batch: batch(3) },
      { type: 'applied' },
      { type: 'stop' },
      { type: 'failed', lane: 'apply' },
    ]
    const machine = after(events, after(HOLDING))
    expect(isFinished(machine)).toBe(false)
    expect(nextAck(machine, 1_000)).toEqual({ kind: 'ack', batch: batch(1, 2) })
  })
})

/** A group's server side as far as one consumer sees it: entries not yet delivered, and those delivered to it and not acked. */
type World = { fresh: number[]; pending: number[]; applied: number[]; machine: Machine; now: number }

/** Longer than any pause; a reclaim is due every few dozen steps. */
const STEP_MS = 20_000
const CLAIM_EVERY_MS = 1_000_000

/** One step of a history: which lane ends its action next, and how. */
type Step = { lane: LaneName; outcome: 'good' | 'lost-before' | 'lost-after'; random: number }

const step = (world: World, { lane, outcome, random }: Step): World => {
  const { machine } = world
  const now = world.now + STEP_MS
  const on = (event: ConsumerEvent, change: Partial<World> = {}): World => {
    return { ...world, ...change, now, machine: advance(machine, event, { now, random, claimEveryMs: CLAIM_EVERY_MS }) }
  }
  const action = nextAction(machine, lane, now)
  if (action === undefined || action.kind === 'wait') return { ...world, now }
  if (outcome === 'lost-before') return on({ type: 'failed', lane })
  const lost = outcome === 'lost-after'
  switch (action.kind) {
    case 'open':
      return on({ type: 'opened' })
    case 'own':
      return lost ? on(LOST) : on({ type: 'own-read', batch: batch(...world.pending.slice(0, 3)) })
    case 'claim':
      return on({ type: 'claimed', batch: NOTHING, cursor: CLAIM_START })
    case 'read': {
      const given = world.fresh.slice(0, 3)
      const change = { fresh: world.fresh.slice(3), pending: [...world.pending, ...given] }
      return on(lost ? LOST : { type: 'new-read', batch: batch(...given) }, change)
    }
    case 'apply': {
      const applied = [...world.applied, ...action.batch.entries.map(({ posicao }) => posicao)]
      return on(lost ? { type: 'failed', lane } : { type: 'applied' }, { applied })
    }
    case 'ack': {
      const pending = world.pending.filter((posicao) => !action.batch.ids.includes(`${posicao}-0`))
      return on(lost ? { type: 'failed', lane } : { type: 'acked' }, { pending })
    }
  }
}

test('whatever is lost, before or after it took effect: every entry is applied before it is acked, and none stays behind', () => {
  const steps = fc.array(
    fc.record<Step>({
      lane: fc.constantFrom(...LANES),
      outcome: fc.constantFrom('good', 'good', 'lost-before', 'lost-after'),
      random: fc.double({ min: 0, max: 0.999, noNaN: true }),
    }),
    { maxLength: 150 },
  )
  const all = Array.from({ length: 20 }, (_, i) => i + 1)
  const history = fc.property(steps, (chaos) => {
    let world: World = { fresh: all, pending: [], applied: [], machine: initialMachine(), now: 0 }
    const check = () => {
      const gone = all.filter((posicao) => !world.fresh.includes(posicao) && !world.pending.includes(posicao))
      expect(gone.every((posicao) => world.applied.includes(posicao))).toBe(true)
    }
    for (const one of chaos) {
      world = step(world, one)
      check()
    }
    for (let calm = 0; calm < 300; calm += 1) {
      world = step(world, { lane: LANES[calm % 3] ?? 'source', outcome: 'good', random: 0 })
    }
    check()
    expect(world.fresh).toEqual([])
    expect(world.pending).toEqual([])
    expect(new Set(world.applied)).toEqual(new Set(all))
  })
  fc.assert(history, { numRuns: 500 })
})
