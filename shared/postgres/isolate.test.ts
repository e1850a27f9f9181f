import fc from 'fast-check'
import { expect, test } from 'vitest'
import { converting, halving, isPoison, reasonOf } from './isolate.ts'

const dataException = Object.assign(new Error('value "12345678909" is out of range'), { code: '22003' })
const failures: readonly (() => never)[] = [
  () => {
    throw dataException
  },
  () => converting(() => new Date(Number.NaN).toISOString()) as never,
]

test('exactly the bad rows are isolated, and every good one is applied once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), fc.constantFrom(...failures), async (good, fail) => {
      const rows = good.map((bom, i) => ({ i, bom }))
      const applied: number[] = []
      const work = async (some: readonly { i: number; bom: boolean }[]) => {
        if (some.some(({ bom }) => !bom)) fail()
        applied.push(...some.map(({ i }) => i))
      }
      const parts = await halving(rows, work, isPoison)
      const poisoned = parts.flatMap((part) => (part.outcome === 'at-fault' ? [part.row.i] : []))
      expect(applied).toEqual(rows.filter(({ bom }) => bom).map(({ i }) => i))
      expect(poisoned).toEqual(rows.filter(({ bom }) => !bom).map(({ i }) => i))
    }),
  )
})

test('an outage, a missing grant or an exception of elsewhere is thrown on, never isolated', async () => {
  const errors = ['57P01', '42501', '42P01', '40001', 'CONNECTION_CLOSED', undefined].map((code) =>
    Object.assign(new Error('no'), { code }),
  )
  for (const error of [...errors, new TypeError('fetch failed'), new RangeError('of a driver')])
    await expect(halving([1, 2], () => Promise.reject(error), isPoison)).rejects.toBe(error)
})

test('a reason never quotes what was in the row', () => {
  expect(reasonOf(dataException)).toBe('SQLSTATE 22003')
  const inconvertible = () => converting(() => BigInt('Ana Souza'))
  expect(inconvertible).toThrow(expect.objectContaining({ message: 'the effect throws SyntaxError' }))
})
