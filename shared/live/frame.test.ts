import { expect, test } from 'vitest'
import { frame, pointOf, streamStep } from './frame.ts'

test('a client is told each seq once and in order, whatever comes', () => {
  expect([1, 2, 3, 4, 9].map((seq) => streamStep(2, seq))).toEqual(['repeated', 'repeated', 'send', 'gap', 'gap'])
})

test('no text can break out of its event', () => {
  const lines = frame(3, 'order.status', { note: 'a\n\nid: 99\r\ndata: x\u2028' }).split('\n')
  expect(lines).toHaveLength(5)
  expect(lines.slice(0, 2)).toEqual(['id: 3', 'event: order.status'])
  expect(lines[2]).toMatch(/^data: \{.*\}$/s)
})

test('only a number is a Last-Event-ID', () => {
  expect(['0', '12', '', '-1', '1.5', '1e3', '9999999999'].map(pointOf)).toEqual([0, 12, ...Array(5).fill(undefined)])
})
