import fc from 'fast-check'
import { expect, test } from 'vitest'
import { holesOf, multirangeLiteral, parseMultirange, runsOf } from './runs.ts'

const posicoes = fc
  .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
  .map((list) => list.sort((a, b) => a - b))

test('runs name exactly the positions that they were made of, and survive the way through PostgreSQL text', () => {
  fc.assert(
    fc.property(posicoes, (list) => {
      const runs = runsOf(list)
      expect(runs.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i))).toEqual(list)
      expect(parseMultirange(multirangeLiteral(runs))).toEqual(runs)
    }),
  )
})

test('holes are exactly what is missing between the watermark and the last position applied', () => {
  fc.assert(
    fc.property(posicoes, (list) => {
      const present = new Set(list)
      const missing = Array.from({ length: list.at(-1) ?? 0 }, (_, i) => i + 1).filter((p) => !present.has(p))
      const named = holesOf(0, runsOf(list)).flatMap(({ from, to }) =>
        Array.from({ length: to - from + 1 }, (_, i) => from + i),
      )
      expect(named).toEqual(missing)
    }),
  )
})
