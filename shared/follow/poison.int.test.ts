import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Follower } from './follower.ts'
import { createFollowerFixture, efeitoDeVer, type FollowerFixture } from './follower-fixture.ts'

let f: FollowerFixture
let follower: Follower | undefined
beforeEach(async () => {
  f = await createFollowerFixture()
})
afterEach(async () => {
  await follower?.stop()
  follower = undefined
  await f.fechar()
})

const aplicado = (posicao: number) =>
  waitFor(async () => (await f.aplicadaAte()) === posicao, { timeoutMs: 15_000, what: `position ${posicao}` })

test.each([
  ['a number beyond its column', { numero: 99_999 }, 'SQLSTATE 22003'],
  ['a row that a constraint refuses', { numero: 13 }, 'SQLSTATE 23514'],
  ['a time that is none', { quando: 'ontem' }, 'the effect throws RangeError'],
])(
  '%s is isolated: its neighbours are applied once, it is kept once, and nobody waits for it',
  async (_, ruim, motivo) => {
    for (let n = 1; n <= 21; n += 1) f.escrever(n === 8 ? ruim : {})
    await f.publicar()
    follower = await f.seguir()
    await aplicado(21)
    const bons = Array.from({ length: 21 }, (_unused, i) => ({ posicao: i + 1, vezes: 1 })).filter(
      (um) => um.posicao !== 8,
    )
    expect(await f.vistos()).toEqual(bons)
    expect(await f.cartas()).toEqual([{ posicao: 8, motivo, tentativas: 1, pulada: true, redirigida: false }])
    await f.acked()
  },
)

test('poison is kept before the ack while the log itself is away, and passed on the word of the log', async () => {
  f.rede.feed = false
  f.escrever({}, { numero: 13 }, { ruim: true }, {})
  await f.publicar()
  follower = await f.seguir()
  await waitFor(async () => (await f.vistos()).length === 2)
  await f.acked()
  const carta = { tentativas: 1, pulada: false, redirigida: false }
  expect(await f.cartas()).toEqual([
    { posicao: 2, motivo: 'SQLSTATE 23514', ...carta },
    { posicao: 3, motivo: 'it is bad', ...carta },
  ])
  expect(await f.aplicadaAte()).toBe(1)
  f.rede.feed = true
  await aplicado(4)
  expect((await f.cartas()).map(({ pulada }) => pulada)).toEqual([true, true])
})

test('a letter cannot be written: nothing is acknowledged until it is', async () => {
  f.escrever({ numero: 13 })
  await f.publicar()
  await f.sql`alter table carta_morta rename to escondida`
  follower = await f.seguir()
  const pendentes = async () => (await f.redis.commands.xpending(`${f.streamPrefix}:{0}`, 'teste'))[0]
  await waitFor(async () => (await pendentes()) === 1)
  expect(await pendentes()).toBe(1)
  await f.sql`alter table escondida rename to carta_morta`
  await aplicado(1)
  await f.acked()
  expect(await f.cartas()).toMatchObject([{ posicao: 1 }])
})

test('an outage of the database or a missing table is no poison: the partition waits and goes on', async () => {
  f.escrever({}, {})
  await f.sql`alter table visto rename to escondida`
  follower = await f.seguir()
  await f.publicar()
  await waitFor(async () => (await f.registry.metrics()).includes('estado="pausado"} 1'), { what: 'a pause' })
  expect(await f.cartas()).toEqual([])
  await f.sql`alter table escondida rename to visto`
  await aplicado(2)
  expect(await f.vistos()).toHaveLength(2)
})

test('a reader that throws makes poison of that event, from the stream and from the log alike', async () => {
  f.escrever({ estoura: true }, {})
  await f.publicar()
  follower = await f.seguir({
    read: (evento, posicao) => {
      if ((evento.data as { estoura?: boolean }).estoura) throw new RangeError('Invalid time value')
      return f.group.read(evento, posicao)
    },
  })
  await aplicado(2)
  expect(await f.cartas()).toMatchObject([{ posicao: 1, motivo: 'the reader throws RangeError', pulada: true }])
})

test('what only the stream damaged is taken from the log, and no letter waits for it', async () => {
  f.escrever({})
  await f.redis.commands.xadd(`${f.streamPrefix}:{0}`, '1-0', 'e', '{"broken')
  follower = await f.seguir({ effect: efeitoDeVer })
  await aplicado(1)
  expect(await f.vistos()).toEqual([{ posicao: 1, vezes: 1 }])
  await waitFor(async () => /fluxo_follow_dead_letters\{database="\w+"\} 0/.test(await f.registry.metrics()))
})
