import { expect, test } from 'vitest'
import { createLugares } from './lugares.ts'

test('a webhook with too many attempts under way gets no more until they are fewer', () => {
  const lugares = createLugares({ totalMax: 10, porWebhookMax: 2 })
  for (const id of ['a', 'a', 'b']) lugares.ocupar(id)
  expect(lugares.impedidos(0)).toEqual([])
  lugares.ocupar('a')
  expect(lugares.impedidos(0)).toEqual(['a'])
  expect([lugares.livres(), lugares.ocupados()]).toEqual([6, 4])
  expect(lugares.soltar('a')).toBe(true)
  expect(lugares.impedidos(0)).toEqual([])
  expect(lugares.soltar('a')).toBe(false)
  expect(lugares.soltar('b')).toBe(true)
})

test('whoever found no place at all hears when there is one', () => {
  const lugares = createLugares({ totalMax: 2, porWebhookMax: 5 })
  lugares.ocupar('a')
  lugares.ocupar('a')
  expect(lugares.livres()).toBe(0)
  expect(lugares.soltar('a')).toBe(true)
})

test('a target rests until its time, or until it is well again', () => {
  const lugares = createLugares({ totalMax: 2, porWebhookMax: 5 })
  lugares.descansar('a', 100)
  lugares.descansar('b', 100)
  expect(lugares.impedidos(99)).toEqual(['a', 'b'])
  lugares.acordar('b')
  expect(lugares.impedidos(99)).toEqual(['a'])
  expect(lugares.impedidos(100)).toEqual([])
})
