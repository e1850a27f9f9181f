import { expect, test } from 'vitest'
import { createStreamSlots } from './slots.ts'

const from = (topic: string, comercianteId = 'loja') => ({ topic, comercianteId })

test('a topic, a merchant and an instance have so many places and no more', () => {
  const slots = createStreamSlots({ max: 6, comercianteMax: 4, topicMax: 2 })
  const taken = [from('a'), from('a'), from('b'), from('c')].map((who) => slots.take(who))
  expect(taken.every((one) => one !== undefined)).toBe(true)
  expect([slots.take(from('a')), slots.take(from('d'))]).toEqual([undefined, undefined])
  expect(slots.take(from('e', 'outra'))).toBeDefined()
  expect(slots.take(from('f', 'outra'))).toBeDefined()
  expect(slots.take(from('g', 'terceira'))).toBeUndefined()
})

test('a place that is given back twice is one place, and one that was refused took none', () => {
  const slots = createStreamSlots({ max: 2, comercianteMax: 1, topicMax: 1 })
  const release = slots.take(from('a'))
  for (let i = 0; i < 5; i += 1) expect(slots.take(from('b'))).toBeUndefined()
  release?.()
  release?.()
  expect(slots.take(from('b'))).toBeDefined()
  expect(slots.take(from('c', 'outra'))).toBeDefined()
  expect(slots.take(from('d', 'terceira'))).toBeUndefined()
})
