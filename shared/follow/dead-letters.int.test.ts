import { afterEach, beforeEach, expect, test } from 'vitest'
import { Unavailable } from '../errors.ts'
import { prepareParticoes } from '../inbox/watermark.ts'
import { deadLetterKey } from '../stream/keys.ts'
import { createKeepLetter, type DeadLetter } from './dead-letters.ts'
import { createFollowerFixture, type FollowerFixture } from './follower-fixture.ts'
import { createLetterStore } from './letter-store.ts'
import { redriveLetters } from './redrive.ts'

let f: FollowerFixture
beforeEach(async () => {
  f = await createFollowerFixture()
  await f.redis.ready(5_000)
  await prepareParticoes(f.sql, 1)
})
afterEach(async () => {
  if (f.redis.status() === 'up') await f.redis.commands.unlink(deadLetterKey(f.streamPrefix, 0))
  await f.close()
})

const letterAt = (posicao: number, data: object = {}): DeadLetter => ({
  ...{ particao: 0, posicao, body: f.evento(posicao, data), motivo: 'then unknown', tentativas: 1 },
})
const keep = (letter: DeadLetter, put = createLetterStore(f.sql).put) =>
  createKeepLetter({ put, copies: { redis: f.redis.commands, prefix: f.streamPrefix }, log: f.log })(letter)
const waiting = () => createLetterStore(f.sql).list({ limit: 10 })

test('a dead letter is in the table, and a copy with its reason on the stream', async () => {
  const letter = letterAt(7)
  await keep(letter)
  expect(await waiting()).toEqual([letter])
  const copies = await f.redis.commands.xrange(deadLetterKey(f.streamPrefix, 0), '-', '+')
  expect(copies.map(([, fields]) => fields)).toEqual([
    ['posicao', '7', 'motivo', 'then unknown', 'tentativas', '1', 'e', letter.body],
  ])
})

test('without Redis the letter is kept all the same; without the table it is refused, so that nobody acks', async () => {
  await f.redis.close()
  await keep(letterAt(7))
  expect(await waiting()).toHaveLength(1)
  await f.sql`alter table carta_morta rename to escondida`
  await expect(keep(letterAt(8))).rejects.toMatchObject({ code: '42P01' })
})

test('an entry beyond every position of a log is dropped instead of holding its stream up', async () => {
  await keep({ ...letterAt(1), posicao: 2 ** 64 })
  expect(await waiting()).toEqual([])
  expect(await f.redis.commands.exists(deadLetterKey(f.streamPrefix, 0))).toBe(0)
})

test('a redrive takes no more than it is told, keeps what fails again with its new reason, and goes on', async () => {
  for (const posicao of [1, 2, 3, 4]) await keep(letterAt(posicao, posicao === 2 ? { numero: 13 } : {}))
  const failed = [{ particao: 0, posicao: 2, reason: 'SQLSTATE 23514' }]
  expect(await redriveLetters(f.group, f.sql, 3)).toEqual({ applied: 2, failed })
  expect(await f.seen()).toEqual([
    { posicao: 1, vezes: 1 },
    { posicao: 3, vezes: 1 },
  ])
  expect(await waiting()).toMatchObject([{ posicao: 2, motivo: 'SQLSTATE 23514', tentativas: 2 }, { posicao: 4 }])
})

test('what comes before the rows and after them happens in a redrive, too', async () => {
  const told: unknown[] = []
  const group = { ...f.group, committed: (commit: object) => void told.push(commit) }
  await keep(letterAt(1))
  await keep(letterAt(2, { recusa: true }))
  const failed = [{ particao: 0, posicao: 2, reason: 'never' }]
  expect(await redriveLetters(group, f.sql, 9)).toEqual({ applied: 1, failed })
  expect(told).toMatchObject([{ particao: 0, origin: 'redrive', rows: [{ posicao: 1 }], applied: 1, touched: [1] }])
})

test('what is away ends a redrive without blaming the letter', async () => {
  await keep(letterAt(1))
  const away = new Unavailable('banco-indisponivel', 'away', 2)
  const group = { ...f.group, before: () => Promise.reject(away) }
  await expect(redriveLetters(group, f.sql, 5)).rejects.toBe(away)
  expect(await waiting()).toMatchObject([{ motivo: 'then unknown', tentativas: 1 }])
})
