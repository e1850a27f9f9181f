import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Follower } from './follower.ts'
import { createFollowerFixture, type FollowerFixture, seeingEffect } from './follower-fixture.ts'

let f: FollowerFixture
let follower: Follower | undefined
beforeEach(async () => {
  f = await createFollowerFixture()
})
afterEach(async () => {
  await follower?.stop()
  follower = undefined
  await f.close()
})

const applied = (posicao: number) =>
  waitFor(async () => (await f.aplicadaAte()) === posicao, { timeoutMs: 15_000, what: `position ${posicao}` })

test.each([
  ['a number beyond its column', { numero: 99_999 }, 'SQLSTATE 22003'],
  ['a row that a constraint refuses', { numero: 13 }, 'SQLSTATE 23514'],
  ['a time that is none', { quando: 'ontem' }, 'the effect throws RangeError'],
])(
  '%s is isolated: its neighbours are applied once, it is kept once, and nobody waits for it',
  async (_, bad, reason) => {
    for (let n = 1; n <= 21; n += 1) f.write(n === 8 ? bad : {})
    await f.publish()
    follower = await f.follow()
    await applied(21)
    const good = Array.from({ length: 21 }, (_unused, i) => ({ posicao: i + 1, vezes: 1 })).filter(
      (one) => one.posicao !== 8,
    )
    expect(await f.seen()).toEqual(good)
    expect(await f.letters()).toEqual([{ posicao: 8, motivo: reason, tentativas: 1, pulada: true, redirigida: false }])
    await f.acked()
  },
)

test('poison is kept before the ack while the log itself is away, and passed on the word of the log', async () => {
  f.network.feed = false
  f.write({}, { numero: 13 }, { bad: true }, {})
  await f.publish()
  follower = await f.follow()
  await waitFor(async () => (await f.seen()).length === 2)
  await f.acked()
  const letter = { tentativas: 1, pulada: false, redirigida: false }
  expect(await f.letters()).toEqual([
    { posicao: 2, motivo: 'SQLSTATE 23514', ...letter },
    { posicao: 3, motivo: 'it is bad', ...letter },
  ])
  expect(await f.aplicadaAte()).toBe(1)
  f.network.feed = true
  await applied(4)
  expect((await f.letters()).map(({ pulada: passed }) => passed)).toEqual([true, true])
})

test('a letter cannot be written: nothing is acknowledged until it is', async () => {
  f.write({ numero: 13 })
  await f.publish()
  await f.sql`alter table carta_morta rename to escondida`
  follower = await f.follow()
  const pending = async () => (await f.redis.commands.xpending(`${f.streamPrefix}:{0}`, 'teste'))[0]
  await waitFor(async () => (await pending()) === 1)
  expect(await pending()).toBe(1)
  await f.sql`alter table escondida rename to carta_morta`
  await applied(1)
  await f.acked()
  expect(await f.letters()).toMatchObject([{ posicao: 1 }])
})

test('an outage of the database or a missing table is no poison: the partition waits and goes on', async () => {
  f.write({}, {})
  await f.sql`alter table visto rename to escondida`
  follower = await f.follow()
  await f.publish()
  await waitFor(async () => (await f.registry.metrics()).includes('estado="pausado"} 1'), { what: 'a pause' })
  expect(await f.letters()).toEqual([])
  await f.sql`alter table escondida rename to visto`
  await applied(2)
  expect(await f.seen()).toHaveLength(2)
})

test('a reader that throws makes poison of that event, from the stream and from the log alike', async () => {
  f.write({ estoura: true }, {})
  await f.publish()
  follower = await f.follow({
    read: (evento, posicao) => {
      if ((evento.data as { estoura?: boolean }).estoura) throw new RangeError('Invalid time value')
      return f.group.read(evento, posicao)
    },
  })
  await applied(2)
  expect(await f.letters()).toMatchObject([{ posicao: 1, motivo: 'the reader throws RangeError', pulada: true }])
})

test('what only the stream damaged is taken from the log, and no letter waits for it', async () => {
  f.write({})
  await f.redis.commands.xadd(`${f.streamPrefix}:{0}`, '1-0', 'e', '{"broken')
  follower = await f.follow({ effect: seeingEffect })
  await applied(1)
  expect(await f.seen()).toEqual([{ posicao: 1, vezes: 1 }])
  await waitFor(async () => /fluxo_follow_dead_letters\{database="\w+"\} 0/.test(await f.registry.metrics()))
})
