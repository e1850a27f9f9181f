import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../testing/wait-for.ts'
import type { Follower } from './follower.ts'
import { createFollowerFixture, type FollowerFixture } from './follower-fixture.ts'
import { createLetterStore } from './letter-store.ts'

let f: FollowerFixture
let follower: Follower
beforeAll(async () => {
  f = await createFollowerFixture()
  follower = await f.seguir()
})
afterAll(async () => {
  await follower.stop()
  await f.fechar()
})

test('each event has its effect once; what can never be applied is kept with its reason, and nobody waits for it', async () => {
  f.eventos.push(f.evento({}), f.evento({ ruim: true }), f.evento({ recusa: true }), f.evento({}))
  await f.publicar()
  await waitFor(async () => (await f.aplicadaAte()) === 4)
  expect(await f.vistos()).toEqual([
    { posicao: 1, vezes: 1 },
    { posicao: 4, vezes: 1 },
  ])
  expect(await f.cartas()).toMatchObject([
    { posicao: 2, motivo: 'it is bad' },
    { posicao: 3, motivo: 'never' },
  ])
  const store = createLetterStore(f.sql)
  expect(await store.list({ limite: 1 })).toMatchObject([{ particao: 0, posicao: 2, motivo: 'it is bad' }])
  expect(await store.list({ limite: 9, at: { particao: 0, posicao: 3 } })).toMatchObject([{ motivo: 'never' }])
  // A scrape shows the same as the database, at most a second later.
  const mostra = async () => {
    const text = await f.registry.metrics()
    return (
      text.includes('fluxo_follow_aplicada_ate{group="teste",particao="0"} 4') &&
      text.includes('fluxo_follow_parada{group="teste",particao="0"} 0') &&
      /fluxo_follow_dead_letters\{database="\w+"\} 2/.test(text)
    )
  }
  await waitFor(mostra, { what: 'the metrics of the group' })
})

test('events of a log that is no more are dropped, and what no stream brings is pulled', async () => {
  await f.publisher.publish(0, [{ posicao: 5, body: f.evento({ epoca: randomUUID() }) }])
  f.eventos.push(f.evento({}), f.evento({}))
  await waitFor(async () => (await f.vistos()).filter(({ posicao }) => posicao >= 5).length === 2)
  expect((await f.vistos()).every(({ vezes }) => vezes === 1)).toBe(true)
})
