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
  follower = await f.follow()
})
afterAll(async () => {
  await follower.stop()
  await f.close()
})

test('each event has its effect once; what can never be applied is kept with its reason, and nobody waits for it', async () => {
  f.write({}, { bad: true }, { recusa: true }, {})
  await f.publish()
  await waitFor(async () => (await f.aplicadaAte()) === 4)
  expect(await f.seen()).toEqual([
    { posicao: 1, vezes: 1 },
    { posicao: 4, vezes: 1 },
  ])
  expect(await f.letters()).toMatchObject([
    { posicao: 2, motivo: 'it is bad' },
    { posicao: 3, motivo: 'never' },
  ])
  const store = createLetterStore(f.sql)
  expect(await store.list({ limit: 1 })).toMatchObject([{ particao: 0, posicao: 2, motivo: 'it is bad' }])
  expect(await store.list({ limit: 9, at: { particao: 0, posicao: 3 } })).toMatchObject([{ motivo: 'never' }])
  // A scrape shows the same as the database, at most a second later.
  const shows = async () => {
    const text = await f.registry.metrics()
    return (
      text.includes(`fluxo_follow_aplicada_ate{group="teste",log="${f.streamPrefix}",particao="0"} 4`) &&
      text.includes(`fluxo_follow_parada{group="teste",log="${f.streamPrefix}",particao="0"} 0`) &&
      /fluxo_follow_dead_letters\{database="\w+"\} 2/.test(text)
    )
  }
  await waitFor(shows, { what: 'the metrics of the group' })
})

test('events of a log that is no more are dropped, and what no stream brings is pulled', async () => {
  await f.publisher.publish(0, [{ posicao: 5, body: f.evento(5, {}, randomUUID()) }])
  f.write({}, {})
  await waitFor(async () => (await f.seen()).filter(({ posicao }) => posicao >= 5).length === 2)
  expect((await f.seen()).every(({ vezes: times }) => times === 1)).toBe(true)
})

test('of another log nothing is done, not even what comes before the inbox, until an operator has decided; and that is told', async () => {
  await follower.stop()
  // A log that was restored: another epoch, and what it has got since.
  const epoca = randomUUID()
  const before = f.eventos.map((text) => JSON.stringify({ ...JSON.parse(text), epoca }))
  const ultima = before.length + 1
  const others = [...before, f.evento(ultima, {}, epoca)]
  const done: number[] = []
  const registry = new Registry()
  const stopped = async (valor: number) =>
    (await registry.metrics()).includes(
      `fluxo_follow_parada{group="teste",log="${f.streamPrefix}",particao="0"} ${valor}`,
    )
  follower = await f.follow({
    feed: f.feedOf(others, epoca),
    before: async (_, rows) => {
      done.push(...rows.map(({ posicao }) => posicao))
      return []
    },
    registry,
  })
  await f.publisher.publish(0, [{ posicao: ultima, body: others[ultima - 1] ?? '' }])
  const pending = async () => (await f.redis.commands.xpending(`${f.streamPrefix}:{0}`, 'teste'))[0] === 1
  await waitFor(pending, { what: 'the stream to have brought it' })
  await waitFor(() => stopped(1), { what: 'the metric of the alert' })
  expect(done).toEqual([])
  // What docs/operations.md says to do where the log is the right one.
  await f.sql`update inbox_particao set aplicada_ate = 0, adiante = '{}', epoca = null, ultima_posicao = 0, ultimo_id = null`
  await waitFor(async () => (await f.aplicadaAte()) === ultima)
  await waitFor(() => stopped(0), { what: 'the alert to end' })
  expect(done).toContain(ultima)
})
