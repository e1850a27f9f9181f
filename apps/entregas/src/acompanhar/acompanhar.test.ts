import { expect, test } from 'vitest'
import { publicItem } from './acompanhar.ts'

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
