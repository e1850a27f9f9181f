import { expect, test } from 'vitest'
import { ATTEMPTS_MAX, attemptWaitMs } from './schedule.ts'

test('attempts wait 0, 30 s, 5 min, 30 min, 2 h, 8 h and 24 h, and the seventh is the last', () => {
  const waits = Array.from({ length: ATTEMPTS_MAX + 1 }, (_, attempts) => attemptWaitMs(attempts, 0))
  expect(waits).toEqual([0, 30_000, 300_000, 1_800_000, 7_200_000, 28_800_000, 86_400_000, undefined])
})

test('jitter makes a wait longer by a fifth at most, never shorter', () => {
  expect(attemptWaitMs(1, 0.5)).toBe(33_000)
  expect(attemptWaitMs(6, 0.999_999)).toBeLessThanOrEqual(86_400_000 * 1.2)
  expect(attemptWaitMs(0, 0.9)).toBe(0)
})

test('another schedule is kept to its end', () => {
  expect([0, 1, 2].map((attempts) => attemptWaitMs(attempts, 0, [0, 100]))).toEqual([0, 100, undefined])
})
