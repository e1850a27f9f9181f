import { expect, test } from 'vitest'
import { createAttemptSlots } from './slots.ts'

const holder = (webhookId: string, comercianteId = 'loja') => ({ webhookId, comercianteId })

test('a webhook with too many attempts under way gets no more until they are fewer', () => {
  const slots = createAttemptSlots({ totalMax: 10, comercianteMax: 10, webhookMax: 2 })
  for (const id of ['a', 'a', 'b']) slots.take(holder(id))
  expect(slots.blockedWebhooks(0)).toEqual([])
  slots.take(holder('a'))
  expect(slots.blockedWebhooks(0)).toEqual(['a'])
  expect([slots.freeCount(), slots.takenCount()]).toEqual([6, 4])
  expect(slots.release(holder('a'))).toBe(true)
  expect(slots.blockedWebhooks(0)).toEqual([])
  expect(slots.release(holder('a'))).toBe(false)
  expect(slots.release(holder('b'))).toBe(true)
})

test('whoever found no place at all hears when there is one', () => {
  const slots = createAttemptSlots({ totalMax: 2, comercianteMax: 5, webhookMax: 5 })
  slots.take(holder('a'))
  slots.take(holder('a'))
  expect(slots.freeCount()).toBe(0)
  expect(slots.release(holder('a'))).toBe(true)
})

test('a merchant that had all of its share hears when it has not, and nobody is remembered who has left', () => {
  const slots = createAttemptSlots({ totalMax: 10, comercianteMax: 3, webhookMax: 5 })
  for (const id of ['a', 'a', 'b']) slots.take(holder(id))
  slots.take(holder('c', 'outra'))
  expect([...slots.perComerciante()]).toEqual([
    ['loja', 3],
    ['outra', 1],
  ])
  expect(slots.release(holder('a'))).toBe(true)
  slots.release(holder('c', 'outra'))
  expect([...slots.perComerciante()]).toEqual([['loja', 2]])
})

test('a receiver rests until its time, or until it is well again', () => {
  const slots = createAttemptSlots({ totalMax: 2, comercianteMax: 2, webhookMax: 5 })
  slots.rest('a', 100)
  slots.rest('b', 100)
  expect(slots.blockedWebhooks(99)).toEqual(['a', 'b'])
  slots.wake('b')
  expect(slots.blockedWebhooks(99)).toEqual(['a'])
  expect(slots.blockedWebhooks(100)).toEqual([])
})

test('of the receivers that rest only the latest are remembered', () => {
  const slots = createAttemptSlots({ totalMax: 2, comercianteMax: 2, webhookMax: 5 })
  for (let i = 0; i < 5_000; i += 1) slots.rest(`w${i}`, 100)
  const blockedWebhooks = slots.blockedWebhooks(0)
  expect([blockedWebhooks.length, blockedWebhooks.at(-1)]).toEqual([1_000, 'w4999'])
})
