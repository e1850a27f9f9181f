import { expect, test } from 'vitest'
import { childTraceparent, newTraceparent, parseTraceparent, traceIdOf } from './trace-context.ts'

const VALID = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

test('a valid traceparent is kept as it came', () => {
  expect(parseTraceparent(VALID)).toBe(VALID)
  expect(traceIdOf(VALID)).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
})

test.each([
  undefined,
  '',
  'x',
  VALID.toUpperCase(),
  VALID.replace('00-', 'ff-'),
  `${VALID}-x`,
  VALID.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
  VALID.replace('00f067aa0ba902b7', '0'.repeat(16)),
])('%s is not a traceparent', (header) => {
  expect(parseTraceparent(header)).toBeUndefined()
})

test('a child stays in the trace of its parent, with a span of its own', () => {
  const child = childTraceparent(VALID)
  expect(parseTraceparent(child)).toBe(child)
  expect(traceIdOf(child)).toBe(traceIdOf(VALID))
  expect(child).not.toBe(VALID)
})

test('without a valid parent a new trace begins', () => {
  expect(parseTraceparent(childTraceparent('nonsense'))).toBeDefined()
  expect(traceIdOf(newTraceparent())).not.toBe(traceIdOf(newTraceparent()))
})
