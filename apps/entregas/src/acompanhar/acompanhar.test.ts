import { expect, test } from 'vitest'
import { frame, pointOf, publicItem, streamStep } from './acompanhar.ts'

test('a client is told each seq once and in order, whatever comes', () => {
  expect([1, 2, 3, 4, 9].map((seq) => streamStep(2, seq))).toEqual(['repeated', 'repeated', 'send', 'gap', 'gap'])
})

test('no text can break out of its event', () => {
  const lines = frame(3, { note: 'a\n\nid: 99\r\ndata: x\u2028' }).split('\n')
  expect(lines).toHaveLength(5)
  expect(lines.slice(0, 2)).toEqual(['id: 3', 'event: order.status'])
  expect(lines[2]).toMatch(/^data: \{.*\}$/s)
})

test('the public learns status and times, and nothing that somebody wrote', () => {
  const item = {
    id: 'x',
    order_id: 'y',
    status: 'LOST',
    timestamp: 't',
    seq: 2,
    note: 'Ana',
    location: 'Rua A',
    actor: 'loja',
    occurred_at: 'o',
  }
  expect(publicItem(item)).toEqual({ status: 'LOST', timestamp: 't', seq: 2, occurred_at: 'o' })
})

test('only a number is a Last-Event-ID', () => {
  expect(['0', '12', '', '-1', '1.5', '1e3', '9999999999'].map(pointOf)).toEqual([0, 12, ...Array(5).fill(undefined)])
})
