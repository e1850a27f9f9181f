import { redisUrl } from '@fluxo/tests/stage/databases'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { deadLetterKey } from '../stream/keys.ts'
import { type StreamFixture, streamFixture } from '../stream/stream-fixture.ts'
import { type CartaMorta, createDeadLetters, type DeadLetterStore } from './dead-letters.ts'

let stream: StreamFixture
beforeEach(async () => {
  stream = await streamFixture(redisUrl())
})
afterEach(async () => {
  if (stream.redis.status() === 'up') await stream.redis.commands.unlink(deadLetterKey(stream.prefix, 0))
  await stream.close()
})

const carta = (posicao: number): CartaMorta => {
  return { particao: 0, posicao, body: `{"n":${posicao}}`, motivo: 'esquema', tentativas: 1 }
}
/** The table's contract in memory: the table itself belongs to the consumer's database and is tested there. */
const memoryStore = () => {
  const cartas = new Map<number, CartaMorta>()
  const store: DeadLetterStore = {
    put: async (one) => void cartas.set(one.posicao, one),
    list: async ({ limite }) => [...cartas.values()].slice(0, limite),
    mark: async ({ posicao }) => void cartas.delete(posicao),
  }
  return { cartas, store }
}
const away = new Error('away')
const letters = (store: DeadLetterStore, reapply: (one: CartaMorta) => Promise<void> = async () => {}) => {
  const log = { warn: () => {}, error: () => {} } as never
  const { prefix } = stream
  const isInfrastructure = (error: unknown) => error === away
  const copies = { redis: stream.redis.commands, prefix }
  return createDeadLetters({ copies, store, reapply, isInfrastructure, log })
}

test('a dead letter is in the table, and a copy with its reason on the stream', async () => {
  const { cartas, store } = memoryStore()
  await letters(store).put(carta(7))
  expect(cartas.get(7)).toEqual(carta(7))
  const copies = await stream.redis.commands.xrange(deadLetterKey(stream.prefix, 0), '-', '+')
  expect(copies.map(([, fields]) => fields)).toEqual([
    ['posicao', '7', 'motivo', 'esquema', 'tentativas', '1', 'e', '{"n":7}'],
  ])
})

test('without Redis the letter is kept all the same; without the table it is refused, so that nobody acks', async () => {
  const { cartas, store } = memoryStore()
  await stream.redis.close()
  await letters(store).put(carta(7))
  expect(cartas.size).toBe(1)
  const broken = { ...store, put: () => Promise.reject(away) }
  await expect(letters(broken).put(carta(8))).rejects.toBe(away)
})

test('a redrive takes no more than it is told, keeps what fails again with its new reason, and goes on', async () => {
  const { cartas, store } = memoryStore()
  const given: number[] = []
  const dead = letters(store, async ({ posicao }) => {
    given.push(posicao)
    if (posicao === 2) throw new Error('ainda inválido')
  })
  for (const posicao of [1, 2, 3, 4]) await dead.put(carta(posicao))
  const falhas = [{ particao: 0, posicao: 2, motivo: 'ainda inválido' }]
  expect(await dead.redrive({ limite: 3 })).toEqual({ redirigidas: 2, falhas })
  expect(given).toEqual([1, 2, 3])
  expect(await dead.list({ limite: 10 })).toEqual([{ ...carta(2), motivo: 'ainda inválido', tentativas: 2 }, carta(4)])
  expect(cartas.size).toBe(2)
})

test('an entry beyond every position of a log is dropped instead of holding its stream up', async () => {
  const { cartas, store } = memoryStore()
  await letters(store).put(carta(2 ** 64))
  expect(cartas.size).toBe(0)
})

test('a database that is away ends a redrive without blaming the letter', async () => {
  const { cartas, store } = memoryStore()
  const dead = letters(store, () => Promise.reject(away))
  await dead.put(carta(1))
  await expect(dead.redrive({ limite: 5 })).rejects.toBe(away)
  expect(cartas.get(1)?.tentativas).toBe(1)
})
