import { expect, test } from 'vitest'
import { createVagas, VAGAS_DE_COMERCIANTES, VAGAS_DE_PAGINAS } from './vagas.ts'

const de = (pedidoId: string, comercianteId = 'loja') => ({ pedidoId, comercianteId })

test('an order, a merchant and an instance have so many places and no more', () => {
  const vagas = createVagas({ max: 6, porComercianteMax: 4, porPedidoMax: 2 })
  const ocupadas = [de('a'), de('a'), de('b'), de('c')].map((quem) => vagas.ocupar(quem))
  expect(ocupadas.every((uma) => uma !== undefined)).toBe(true)
  expect([vagas.ocupar(de('a')), vagas.ocupar(de('d'))]).toEqual([undefined, undefined])
  expect(vagas.ocupar(de('e', 'outra'))).toBeDefined()
  expect(vagas.ocupar(de('f', 'outra'))).toBeDefined()
  expect(vagas.ocupar(de('g', 'terceira'))).toBeUndefined()
})

test('a place that is given back twice is one place, and one that was refused took none', () => {
  const vagas = createVagas({ max: 2, porComercianteMax: 1, porPedidoMax: 1 })
  const soltar = vagas.ocupar(de('a'))
  for (let i = 0; i < 5; i += 1) expect(vagas.ocupar(de('b'))).toBeUndefined()
  soltar?.()
  soltar?.()
  expect(vagas.ocupar(de('b'))).toBeDefined()
  expect(vagas.ocupar(de('c', 'outra'))).toBeDefined()
  expect(vagas.ocupar(de('d', 'terceira'))).toBeUndefined()
})

test('no merchant has more than half of the places of either kind', () => {
  for (const { max, porComercianteMax } of [VAGAS_DE_COMERCIANTES, VAGAS_DE_PAGINAS])
    expect(porComercianteMax).toBeLessThanOrEqual(max / 2)
})
