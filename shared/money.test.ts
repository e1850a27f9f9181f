import fc from 'fast-check'
import { expect, test } from 'vitest'
import { centsFromDecimal, decimalFromCents } from './money.ts'

test('every amount survives being written and read again', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 999_999_999_999_999n }), (cents) => {
      expect(centsFromDecimal(decimalFromCents(cents))).toBe(cents)
    }),
  )
})

test('a written amount is a JSON number with exactly two decimals, also beyond what floating point holds', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (cents) => {
      expect(decimalFromCents(cents)).toMatch(/^-?(0|[1-9]\d*)\.\d\d$/)
      expect(BigInt(decimalFromCents(cents).replace('.', ''))).toBe(cents)
    }),
  )
})

test.each([
  ['0', 0n],
  ['0.1', 10n],
  ['0.10', 10n],
  ['150.5', 15050n],
  ['9999999999999.99', 999_999_999_999_999n],
])('%s is read as exact cents', (text, cents) => {
  expect(centsFromDecimal(text)).toBe(cents)
})

test.each([
  '',
  ' 1',
  '1 ',
  '1,50',
  '1e2',
  '-1',
  '+1',
  '01',
  '.5',
  '1.',
  '1.234',
  'NaN',
  '0x10',
  '10000000000000',
  '1\n',
])('the text %j is not an amount', (text) => {
  expect(centsFromDecimal(text)).toBeUndefined()
})

test.each([
  [0n, '0.00'],
  [5n, '0.05'],
  [-5n, '-0.05'],
  [-15050n, '-150.50'],
])('%s cents are written as %s', (cents, text) => {
  expect(decimalFromCents(cents)).toBe(text)
})
