import { expect, test } from 'vitest'
import { secondsOf } from './duration.ts'

test('durations are read in their unit, and ten years is the end', () => {
  expect([secondsOf('90s'), secondsOf('15m'), secondsOf('12h'), secondsOf('30d')]).toEqual([90, 900, 43_200, 2_592_000])
  for (const wrong of ['', '0s', '-1d', '1y', '3651d', '1.5h']) expect(() => secondsOf(wrong)).toThrow('is no duration')
})
