import { expect, test, vi } from 'vitest'
import { systemClock } from '../clock.ts'
import { createLogger } from '../telemetry/logger.ts'
import { backoffMs } from './backoff.ts'
import { createWokenLoop, loop } from './loop.ts'

test('pauses double from 50 ms to 2 s, and chance takes off at most half', () => {
  expect([1, 2, 3, 6, 7, 1_000].map((failures) => backoffMs(failures, 0))).toEqual([50, 100, 200, 1_600, 2_000, 2_000])
  expect(backoffMs(7, 0.999)).toBeGreaterThanOrEqual(1_000)
})

type Step = 'works' | 'fails' | 'works, then fails'

/** Takes the steps, one a turn, and gives the pauses and the log lines that came of them. */
const taken = async (steps: readonly Step[]) => {
  const stopping = new AbortController()
  const pauses: number[] = []
  const lines: string[] = []
  const clock = { ...systemClock, random: () => 0, delay: async (ms: number) => void pauses.push(ms) }
  const log = createLogger({ service: 'test', stream: { write: (line) => void lines.push(JSON.parse(line).msg) } })
  const left = [...steps]
  const turn = async (well: () => void): Promise<void> => {
    const step = left.shift()
    if (step === undefined) return stopping.abort()
    if (step !== 'fails') well()
    if (step !== 'works') throw new Error(step)
  }
  await loop({ turn, signal: stopping.signal, says: { failing: 'stands still', well: 'goes on' }, log, clock })
  return { pauses, lines }
}

test('of failures in a row the first is logged, and each is followed by a longer pause, until a turn is well again', async () => {
  expect(await taken(['works', 'fails', 'fails', 'fails', 'works', 'works', 'fails'])).toEqual({
    pauses: [50, 100, 200, 50],
    lines: ['stands still', 'goes on', 'stands still'],
  })
})

test('a turn that did its work and fails later begins a new row of failures', async () => {
  expect(await taken(['fails', 'fails', 'works, then fails'])).toEqual({
    pauses: [50, 100, 50],
    lines: ['stands still', 'goes on', 'stands still'],
  })
})

test('what rejects because the loop is stopped is no failure', async () => {
  const stopping = new AbortController()
  const lines: string[] = []
  const log = createLogger({ service: 'test', stream: { write: (line) => void lines.push(line) } })
  const turn = () => systemClock.delay(60_000, stopping.signal)
  const running = loop({ turn, signal: stopping.signal, says: { failing: 'stands still', well: 'goes on' }, log })
  stopping.abort()
  await running
  expect(lines).toEqual([])
})

test('a loop is woken from its rest, also by a call before it rests, and its stop waits for the turn in hand', async () => {
  const steps: string[] = []
  const gate = Promise.withResolvers<void>()
  const log = createLogger({ service: 'test', stream: { write: () => {} } })
  const woken = createWokenLoop({
    turn: async (well, rest) => {
      steps.push('turn')
      if (steps.length === 3) await gate.promise
      well()
      await rest(60_000)
      steps.push('rested')
    },
    says: { failing: 'stands still', well: 'goes on' },
    log,
  })
  woken.wake()
  woken.start()
  woken.start()
  await vi.waitFor(() => expect(steps).toEqual(['turn', 'rested', 'turn']))
  const stopped = woken.stop().then(() => steps.push('stopped'))
  await systemClock.delay(5)
  expect(steps).toEqual(['turn', 'rested', 'turn'])
  gate.resolve()
  await stopped
  expect(steps).toEqual(['turn', 'rested', 'turn', 'rested', 'stopped'])
})
