import { expect, test } from 'vitest'
import { createPosicoes } from './posicao.ts'

test('what one request wrote is told by the last place of each partition, whatever order it was noted in', () => {
  const posicoes = createPosicoes()
  for (const [particao, posicao] of [
    [1, 54],
    [0, 1230],
    [0, 1234],
    [1, 55],
    [0, 1231],
  ] as const)
    posicoes.note({ particao, posicao })
  expect(posicoes.headers()).toEqual({ 'Fluxo-Posicao': '1:55, 0:1234' })
})

test('places of another log than the ledger have its name before each of them', () => {
  const posicoes = createPosicoes('pedidos')
  posicoes.note({ particao: 0, posicao: 12 })
  posicoes.note({ particao: 2, posicao: 7 })
  expect(posicoes.headers()).toEqual({ 'Fluxo-Posicao': 'pedidos:0:12, pedidos:2:7' })
})

test('who wrote nothing tells of no place', () => {
  expect(createPosicoes().headers()).toEqual({})
})
