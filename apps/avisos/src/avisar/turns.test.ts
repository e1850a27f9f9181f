import { expect, test } from 'vitest'
import { createLookupTurns } from './turns.ts'

const always = new AbortController().signal
/** Lets those who were called go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** Asks for turns, and tells in which order they came. */
const askTurns = (turns: ReturnType<typeof createLookupTurns>) => {
  const came: string[] = []
  const leave: (() => void)[] = []
  const ask = (name: string, signal = always): void => {
    turns.take(name, signal).then(
      (end) => {
        came.push(name)
        leave.push(end)
      },
      () => came.push(`${name} desistiu`),
    )
  }
  return { came, leave, ask }
}

test('a merchant has its share of the turns and no more, however many it asks for', async () => {
  const { came, leave, ask } = askTurns(createLookupTurns({ totalMax: 4, comercianteMax: 2 }))
  for (const name of ['a', 'a', 'a', 'a', 'b']) ask(name)
  await settle()
  expect(came).toEqual(['a', 'a', 'b'])
  leave[0]?.()
  await settle()
  expect(came).toEqual(['a', 'a', 'b', 'a'])
})

test('the next turn is the merchant’s who has the fewest, whoever came first', async () => {
  const { came, leave, ask } = askTurns(createLookupTurns({ totalMax: 2, comercianteMax: 2 }))
  for (const name of ['a', 'a', 'a', 'b']) ask(name)
  await settle()
  leave[0]?.()
  await settle()
  expect(came).toEqual(['a', 'a', 'b'])
})

test('who gives up waiting takes no turn', async () => {
  const { came, leave, ask } = askTurns(createLookupTurns({ totalMax: 1, comercianteMax: 1 }))
  const stop = new AbortController()
  ask('a')
  ask('b', stop.signal)
  ask('c')
  await settle()
  stop.abort()
  await settle()
  ask('d', stop.signal)
  await settle()
  leave[0]?.()
  await settle()
  expect(came).toEqual(['a', 'b desistiu', 'd desistiu', 'c'])
})
