import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DomainError } from '../errors.ts'
import { idempotencyKey } from './idempotency.ts'

test.each([
  [undefined, undefined],
  ['abc-1', 'abc-1'],
  ['"abc-1"', 'abc-1'],
  ['  abc ', 'abc'],
  [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
  ['x'.repeat(255), 'x'.repeat(255)],
])('the header %j is the key %j', (header, key) => {
  expect(idempotencyKey(header)).toBe(key)
})

test.each(['', '""', '"abc', '"a"b"', String.raw`"a\b"`, '"a";x=1', 'é', 'a\u0001', 'x'.repeat(256)])(
  'the header %j is refused',
  (header) => {
    expect(() => idempotencyKey(header)).toThrow(DomainError)
  },
)

test('quoting a key as RFC 8941 says never changes it', () => {
  const printable = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) })
  fc.assert(
    fc.property(printable, (key) => {
      fc.pre(key.length > 0 && key.length <= 255)
      const quoted = `"${key.replaceAll(/(["\\])/g, '\\$1')}"`
      expect(idempotencyKey(quoted)).toBe(key)
    }),
  )
})
