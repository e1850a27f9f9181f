import { expect, test } from 'vitest'
import { createVezes } from './vezes.ts'

const sempre = new AbortController().signal
/** Lets those who were called go on. */
const respirar = () => new Promise((resolve) => setImmediate(resolve))

/** Asks for turns, and tells in which order they came. */
const pedirVezes = (vezes: ReturnType<typeof createVezes>) => {
  const vieram: string[] = []
  const sair: (() => void)[] = []
  const pedir = (nome: string, signal = sempre): void => {
    vezes.entrar(nome, signal).then(
      (fim) => {
        vieram.push(nome)
        sair.push(fim)
      },
      () => vieram.push(`${nome} desistiu`),
    )
  }
  return { vieram, sair, pedir }
}

test('a merchant has its share of the turns and no more, however many it asks for', async () => {
  const { vieram, sair, pedir } = pedirVezes(createVezes({ totalMax: 4, porComercianteMax: 2 }))
  for (const nome of ['a', 'a', 'a', 'a', 'b']) pedir(nome)
  await respirar()
  expect(vieram).toEqual(['a', 'a', 'b'])
  sair[0]?.()
  await respirar()
  expect(vieram).toEqual(['a', 'a', 'b', 'a'])
})

test('the next turn is the merchant’s who has the fewest, whoever came first', async () => {
  const { vieram, sair, pedir } = pedirVezes(createVezes({ totalMax: 2, porComercianteMax: 2 }))
  for (const nome of ['a', 'a', 'a', 'b']) pedir(nome)
  await respirar()
  sair[0]?.()
  await respirar()
  expect(vieram).toEqual(['a', 'a', 'b'])
})

test('who gives up waiting takes no turn', async () => {
  const { vieram, sair, pedir } = pedirVezes(createVezes({ totalMax: 1, porComercianteMax: 1 }))
  const parar = new AbortController()
  pedir('a')
  pedir('b', parar.signal)
  pedir('c')
  await respirar()
  parar.abort()
  await respirar()
  pedir('d', parar.signal)
  await respirar()
  sair[0]?.()
  await respirar()
  expect(vieram).toEqual(['a', 'b desistiu', 'd desistiu', 'c'])
})
