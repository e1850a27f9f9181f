import { expect, test } from 'vitest'
import { createLugares } from './lugares.ts'

const de = (webhookId: string, comercianteId = 'loja') => ({ webhookId, comercianteId })

test('a webhook with too many attempts under way gets no more until they are fewer', () => {
  const lugares = createLugares({ totalMax: 10, porComercianteMax: 10, porWebhookMax: 2 })
  for (const id of ['a', 'a', 'b']) lugares.ocupar(de(id))
  expect(lugares.impedidos(0)).toEqual([])
  lugares.ocupar(de('a'))
  expect(lugares.impedidos(0)).toEqual(['a'])
  expect([lugares.livres(), lugares.ocupados()]).toEqual([6, 4])
  expect(lugares.soltar(de('a'))).toBe(true)
  expect(lugares.impedidos(0)).toEqual([])
  expect(lugares.soltar(de('a'))).toBe(false)
  expect(lugares.soltar(de('b'))).toBe(true)
})

test('whoever found no place at all hears when there is one', () => {
  const lugares = createLugares({ totalMax: 2, porComercianteMax: 5, porWebhookMax: 5 })
  lugares.ocupar(de('a'))
  lugares.ocupar(de('a'))
  expect(lugares.livres()).toBe(0)
  expect(lugares.soltar(de('a'))).toBe(true)
})

test('a merchant that had all of its share hears when it has not, and nobody is remembered who has left', () => {
  const lugares = createLugares({ totalMax: 10, porComercianteMax: 3, porWebhookMax: 5 })
  for (const id of ['a', 'a', 'b']) lugares.ocupar(de(id))
  lugares.ocupar(de('c', 'outra'))
  expect([...lugares.porComerciante()]).toEqual([
    ['loja', 3],
    ['outra', 1],
  ])
  expect(lugares.soltar(de('a'))).toBe(true)
  lugares.soltar(de('c', 'outra'))
  expect([...lugares.porComerciante()]).toEqual([['loja', 2]])
})

test('a receiver rests until its time, or until it is well again', () => {
  const lugares = createLugares({ totalMax: 2, porComercianteMax: 2, porWebhookMax: 5 })
  lugares.descansar('a', 100)
  lugares.descansar('b', 100)
  expect(lugares.impedidos(99)).toEqual(['a', 'b'])
  lugares.acordar('b')
  expect(lugares.impedidos(99)).toEqual(['a'])
  expect(lugares.impedidos(100)).toEqual([])
})

test('of the receivers that rest only the latest are remembered', () => {
  const lugares = createLugares({ totalMax: 2, porComercianteMax: 2, porWebhookMax: 5 })
  for (let i = 0; i < 5_000; i += 1) lugares.descansar(`w${i}`, 100)
  const impedidos = lugares.impedidos(0)
  expect([impedidos.length, impedidos.at(-1)]).toEqual([1_000, 'w4999'])
})
