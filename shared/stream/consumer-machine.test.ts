import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  advance,
  CLAIM_START,
  type ConsumerEvent,
  initialMachine,
  isFinished,
  type Machine,
  nextSource,
  nextWork,
  situation,
} from './consumer-machine.ts'
import type { Batch } from './reply.ts'

const batch = (...posicoes: number[]): Batch => ({
  entries: posicoes.map((posicao) => ({ posicao, body: '{}' })),
  ids: posicoes.map((posicao) => `${posicao}-0`),
  gaps: [],
})
const NOTHING = batch()
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

  test('own pending is read again after every lost session', () => {
    const lost = after([...READING, { type: 'session-lost' }])
    expect(nextSource(lost, 1_000)?.kind).toBe('wait')
    expect(nextSource(lost, 10_000)?.kind).toBe('open')
    expect(nextSource(after(OPEN, lost), 10_000)?.kind).toBe('own')
  })

  test('own pending waits until the batch in hand is acked: id 0 would bring it again', () => {
    const machine = after([...READING, { type: 'new-read', batch: batch(1) }, { type: 'session-lost' }, ...OPEN])
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
    const failed = (times: number) => after(Array<ConsumerEvent>(times).fill({ type: 'session-lost' }))
    const pause = (machine: Machine) => machine.sourceAt - AROUND.now
    expect([1, 2, 3, 20].map((times) => pause(failed(times)))).toEqual([50, 100, 200, 5_000])
    expect(after(READING, failed(20)).sourceFailures).toBe(0)
  })
})

describe('what is done with them', () => {
  const HOLDING: ConsumerEvent[] = [...READING, { type: 'new-read', batch: batch(1, 2) }]

  test('a batch is applied, then acked, then the next one', () => {
    const machine = after([...HOLDING, { type: 'new-read', batch: batch(3) }])
    expect(nextWork(machine, 1_000)).toEqual({ kind: 'apply', batch: batch(1, 2) })
    const applied = after([{ type: 'applied' }], machine)
    expect(nextWork(applied, 1_000)).toEqual({ kind: 'ack', batch: batch(1, 2) })
    expect(nextWork(after([{ type: 'acked' }], applied), 1_000)).toEqual({ kind: 'apply', batch: batch(3) })
  })

  test('a failed apply gives the same batch again after a pause, and nothing is read meanwhile', () => {
    const failed = after([...HOLDING, { type: 'work-failed' }])
    expect(situation(failed)).toBe('pausado')
    expect(nextSource(failed, 99_000)).toBeUndefined()
    expect(nextWork(failed, 1_000)).toEqual({ kind: 'wait', until: 1_050 })
    expect(nextWork(failed, 1_050)).toEqual({ kind: 'apply', batch: batch(1, 2) })
  })

  test('a failed ack is sent again; the batch is not applied again', () => {
    const failed = after([...HOLDING, { type: 'applied' }, { type: 'work-failed' }])
    expect(situation(failed)).toBe('sem-redis')
    expect(nextWork(failed, 9_000)).toEqual({ kind: 'ack', batch: batch(1, 2) })
  })

  test('a batch of nothing but gaps is acked too, so that it does not stay pending', () => {
    const gaps: Batch = { entries: [], ids: ['4-0'], gaps: [4] }
    const machine = after([...OPEN, { type: 'own-read', batch: gaps }, { type: 'applied' }])
    expect(nextWork(machine, 1_000)).toEqual({ kind: 'ack', batch: gaps })
  })

  test('a stop asks for nothing more, finishes what is in hand, and does not retry what fails', () => {
    const stopping = after([...HOLDING, { type: 'stop' }])
    expect(nextSource(stopping, 9_000)).toBeUndefined()
    expect(isFinished(stopping)).toBe(false)
    expect(isFinished(after([{ type: 'applied' }, { type: 'acked' }], stopping))).toBe(true)
    const failed = after([{ type: 'work-failed' }], stopping)
    expect(nextWork(failed, 9_000)).toBeUndefined()
    expect(isFinished(failed)).toBe(true)
  })
})

/** A group's server side as far as one consumer sees it: entries not yet delivered, and those delivered to it and not acked. */
type World = { fresh: number[]; pending: number[]; applied: number[]; machine: Machine; now: number }

/** Longer than any pause; a reclaim is due every few steps. */
const STEP_MS = 20_000
const CLAIM_EVERY_MS = 100_000

/** One step of a history: which lane ends its action next, and how. */
type Step = { lane: 'source' | 'work'; outcome: 'good' | 'lost-before' | 'lost-after'; random: number }

const step = (world: World, { lane, outcome, random }: Step): World => {
  const { machine } = world
  const now = world.now + STEP_MS
  const on = (event: ConsumerEvent, change: Partial<World> = {}): World => {
    return { ...world, ...change, now, machine: advance(machine, event, { now, random, claimEveryMs: CLAIM_EVERY_MS }) }
  }
  const action = lane === 'source' ? nextSource(machine, now) : nextWork(machine, now)
  if (action === undefined || action.kind === 'wait') return { ...world, now }
  if (outcome === 'lost-before') return on({ type: lane === 'source' ? 'session-lost' : 'work-failed' })
  const lost = outcome === 'lost-after'
  switch (action.kind) {
    case 'open':
      return on({ type: 'opened' })
    case 'own':
      return lost ? on({ type: 'session-lost' }) : on({ type: 'own-read', batch: batch(...world.pending.slice(0, 3)) })
    case 'claim':
      return on({ type: 'claimed', batch: NOTHING, cursor: CLAIM_START })
    case 'read': {
      const given = world.fresh.slice(0, 3)
      const change = { fresh: world.fresh.slice(3), pending: [...world.pending, ...given] }
      return on(lost ? { type: 'session-lost' } : { type: 'new-read', batch: batch(...given) }, change)
    }
    case 'apply': {
      const applied = [...world.applied, ...action.batch.entries.map(({ posicao }) => posicao)]
      return on({ type: lost ? 'work-failed' : 'applied' }, { applied })
    }
    case 'ack': {
      const pending = world.pending.filter((posicao) => !action.batch.ids.includes(`${posicao}-0`))
      return on({ type: lost ? 'work-failed' : 'acked' }, { pending })
    }
  }
}

test('whatever is lost, before or after it took effect: every entry is applied before it is acked, and none stays behind', () => {
  const steps = fc.array(
    fc.record<Step>({
      lane: fc.constantFrom('source', 'work'),
      outcome: fc.constantFrom('good', 'good', 'lost-before', 'lost-after'),
      random: fc.double({ min: 0, max: 0.999, noNaN: true }),
    }),
    { maxLength: 120 },
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
    for (let calm = 0; calm < 200; calm += 1) {
      world = step(world, { lane: calm % 2 === 0 ? 'source' : 'work', outcome: 'good', random: 0 })
    }
    check()
    expect(world.fresh).toEqual([])
    expect(world.pending).toEqual([])
    expect(new Set(world.applied)).toEqual(new Set(all))
  })
  fc.assert(history, { numRuns: 500 })
})
