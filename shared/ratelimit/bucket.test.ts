import fc from 'fast-check'
import { expect, test } from 'vitest'
import { adopt, fillMs, fullBucket, shareOf, takeOne, takeUnsettled, waitMs } from './bucket.ts'

const RateArbitrary = fc.record({
  perSecond: fc.integer({ min: 1, max: 10_000 }),
  burst: fc.integer({ min: 1, max: 20_000 }),
})
const PausesArbitrary = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 200 })

test('whatever the pauses, never more is admitted than the burst and what the time refilled', () => {
  fc.assert(
    fc.property(RateArbitrary, PausesArbitrary, (rate, pauses) => {
      const bucket = fullBucket(rate, 0)
      let nowMs = 0
      let admitted = 0
      for (const pause of pauses) {
        nowMs += pause
        while (admitted < 5_000 && takeOne(bucket, rate, nowMs)) admitted += 1
        expect(admitted).toBeLessThanOrEqual(rate.burst + (nowMs * rate.perSecond) / 1_000 + 1e-6)
      }
    }),
    { numRuns: 100 },
  )
})

test('one who was refused is admitted after the wait that was told', () => {
  fc.assert(
    fc.property(RateArbitrary, fc.integer({ min: -500, max: 0 }), (rate, left) => {
      const bucket = { ...fullBucket(rate, 0), left }
      const atMs = waitMs(bucket, rate)
      expect(takeOne({ ...bucket }, rate, atMs * 0.99 - 0.01)).toBe(false)
      expect(takeOne({ ...bucket }, rate, atMs + 0.01)).toBe(true)
    }),
    { numRuns: 100 },
  )
})

test('what is owed to the others is at most a whole bucket, and nothing once it has been refilled', () => {
  const rate = { perSecond: 10, burst: 20 }
  const bucket = fullBucket(rate, 0)
  for (let second = 1; second <= 60; second += 1) takeOne(bucket, rate, second * 200)
  expect(bucket.unsettled).toBe(20)
  expect(takeOne(bucket, rate, 60 * 200 + fillMs(rate) + 1)).toBe(true)
  expect(takeUnsettled(bucket)).toBe(1)
  expect(takeUnsettled(bucket)).toBe(0)
})

test('what was spent since the shared bucket was asked is taken off its answer', () => {
  const rate = { perSecond: 10, burst: 20 }
  const bucket = fullBucket(rate, 0)
  takeUnsettled(bucket)
  takeOne(bucket, rate, 0)
  adopt(bucket, 5, 1)
  expect(bucket).toMatchObject({ left: 4, unsettled: 1, atMs: 1 })
})

test('the shares of all instances are the limit, and each instance has at least one request', () => {
  expect(shareOf({ perSecond: 10, burst: 20 }, 4)).toEqual({ perSecond: 2.5, burst: 5 })
  expect(shareOf({ perSecond: 1, burst: 2 }, 8)).toEqual({ perSecond: 0.125, burst: 1 })
})
