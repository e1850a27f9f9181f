import { randomUUID } from 'node:crypto'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
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
  f.escrever({}, { ruim: true }, { recusa: true }, {})
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
  await f.publisher.publish(0, [{ posicao: 5, body: f.evento(5, {}, randomUUID()) }])
  f.escrever({}, {})
  await waitFor(async () => (await f.vistos()).filter(({ posicao }) => posicao >= 5).length === 2)
  expect((await f.vistos()).every(({ vezes }) => vezes === 1)).toBe(true)
})

test('of another log nothing is done, not even what comes before the inbox, until an operator has decided; and that is told', async () => {
  await follower.stop()
  // A log that was restored: another epoch, and what it has got since.
  const epoca = randomUUID()
  const antes = f.eventos.map((texto) => JSON.stringify({ ...JSON.parse(texto), epoca }))
  const ultima = antes.length + 1
  const outros = [...antes, f.evento(ultima, {}, epoca)]
  const feitas: number[] = []
  const registry = new Registry()
  const parada = async (valor: number) =>
    (await registry.metrics()).includes(`fluxo_follow_parada{group="teste",particao="0"} ${valor}`)
  follower = await f.seguir({
    feed: f.feedOf(outros, epoca),
    before: async (_, rows) => {
      feitas.push(...rows.map(({ posicao }) => posicao))
      return []
    },
    registry,
  })
  await f.publisher.publish(0, [{ posicao: ultima, body: outros[ultima - 1] ?? '' }])
  const pendente = async () => (await f.redis.commands.xpending(`${f.streamPrefix}:{0}`, 'teste'))[0] === 1
  await waitFor(pendente, { what: 'the stream to have brought it' })
  await waitFor(() => parada(1), { what: 'the metric of the alert' })
  expect(feitas).toEqual([])
  // What docs/operations.md says to do where the log is the right one.
  await f.sql`update inbox_particao set aplicada_ate = 0, adiante = '{}', epoca = null, ultima_posicao = 0, ultimo_id = null`
  await waitFor(async () => (await f.aplicadaAte()) === ultima)
  await waitFor(() => parada(0), { what: 'the alert to end' })
  expect(feitas).toContain(ultima)
})
