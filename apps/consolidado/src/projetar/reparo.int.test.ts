import { startOwnPostgres, startOwnRedis } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, expect, test } from 'vitest'
import { freePort } from '../../../../scripts/local/free-port.ts'
import { type BancadaDeProjecao, createBancadaDeProjecao } from '../../test/bancada-de-projecao.ts'
import { fatos } from '../../test/razao.ts'

let bancada: BancadaDeProjecao | undefined
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await bancada?.fechar()
  bancada = undefined
  for (const close of closers.splice(0)) await close()
})
const criar = async (opcoes = {}) => {
  bancada = await createBancadaDeProjecao(opcoes)
  return bancada
}

test('entries that the stream lost are pulled, in the middle of those that it brings', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(300))
  await b.razao.publicar()
  await b.aplicado()
  b.razao.registrar(fatos(200, 1))
  await b.razao.perderStream()
  b.razao.registrar(fatos(100, 2))
  await b.razao.publicar(500)
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
  // A moment without the group may pull what the stream would still have brought; the inbox does not mind.
  await waitFor(async () => (await b.metrica('fluxo_repair_pulled_total')) >= 200)
})

test('a lost tail is found without anything arriving after it', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(20))
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('without Redis from the start the projection advances by pulling, page after page', async () => {
  const b = await criar({ redis: `redis://127.0.0.1:${await freePort()}` })
  b.razao.registrar(fatos(2_500))
  await b.instancia().start()
  await b.aplicado()
  b.razao.registrar(fatos(10))
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('a Redis that dies and returns empty costs nothing', async () => {
  const redis = await startOwnRedis()
  closers.push(redis.remove)
  const b = await criar({ redis: redis.url })
  await b.instancia().start()
  b.razao.registrar(fatos(50))
  await b.razao.publicar()
  await b.aplicado()
  await redis.stop()
  b.razao.registrar(fatos(50, 1))
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('a ledger that is away is waited for, with one line of log, and then asked on', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(5))
  await b.aplicado()
  b.razao.sair(true)
  b.razao.registrar(fatos(5, 1))
  await waitFor(() => b.linhas.some(({ msg }) => msg === 'repair cannot go on for now'))
  const pedidos = b.razao.pedidos
  await waitFor(() => b.razao.pedidos > pedidos + 2)
  b.razao.sair(false)
  await b.aplicado()
  expect(b.linhas.filter(({ msg }) => msg === 'repair cannot go on for now')).toHaveLength(1)
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('one of two instances repairs, and the other takes over when it leaves', async () => {
  const b = await criar()
  const [primeira, segunda] = [b.instancia(), b.instancia()]
  await primeira.start()
  b.razao.registrar(fatos(5))
  await b.aplicado()
  await segunda.start()
  await primeira.drain()
  b.razao.registrar(fatos(5, 1))
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('a log with another epoch stops the projection and is never deduped', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(30))
  await b.razao.publicar()
  await b.aplicado()
  const antes = await b.somas()
  b.razao.restaurar(20)
  b.razao.registrar(fatos(20, 2))
  await b.razao.perderStream()
  await b.razao.publicar()
  await waitFor(async () => (await b.metrica('fluxo_inbox_epoca_divergente')) === 1)
  await waitFor(() => b.linhas.some(({ estado }) => estado === 'pausado'))
  expect(b.linhas.some(({ msg }) => String(msg).includes('npm run consolidado:rebuild'))).toBe(true)
  expect(await b.somas()).toEqual(antes)
  expect(await b.cartas()).toHaveLength(0)
  const [pendentes] = await b.redis.commands.xpending(`${b.streamPrefix}:{0}`, 'consolidado')
  expect(pendentes).toBeGreaterThan(0)
})

test.each([
  ['ends before what was applied', 10, 0, 'cabeca-regrediu'],
  ['tells another event at a known position', 10, 40, 'id-divergente'],
])('a log restored behind our back that %s stops the partition everywhere', async (_, ate, novos, motivo) => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(30))
  await b.razao.publicar()
  await b.aplicado()
  b.razao.restaurar(ate, { novaEpoca: false })
  b.razao.registrar(fatos(novos, 3))
  await waitFor(async () => (await b.marca())?.divergente === motivo)
  expect(await b.metrica('fluxo_inbox_epoca_divergente')).toBe(1)
})

test('without Redis, a log restored behind our back is noticed even if it has grown past what was applied', async () => {
  const b = await criar({ redis: `redis://127.0.0.1:${await freePort()}` })
  await b.instancia().start()
  b.razao.registrar(fatos(30))
  await b.aplicado()
  const antes = await b.somas()
  b.razao.sair(true)
  b.razao.restaurar(10, { novaEpoca: false })
  b.razao.registrar(fatos(40, 3))
  b.razao.sair(false)
  await waitFor(async () => (await b.marca())?.divergente === 'id-divergente')
  expect(await b.somas()).toEqual(antes)
})

test('a database that is away pauses the projection and buries nothing', async () => {
  const postgres = await startOwnPostgres({ durable: true })
  closers.push(postgres.remove)
  const b = await criar({ postgres: postgres.url() })
  await b.instancia().start()
  b.razao.registrar(fatos(30))
  await b.razao.publicar()
  await b.aplicado()
  await postgres.stop()
  b.razao.registrar(fatos(30, 1))
  await b.razao.publicar(30)
  await waitFor(() => b.linhas.some(({ estado }) => estado === 'pausado'))
  const again = await startOwnPostgres({ durable: true, dataDir: `${postgres.dir}/postgres`, port: postgres.port })
  closers.push(again.stop)
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
  expect(await b.cartas()).toHaveLength(0)
})

test('a start without the database serves, and projects once it is there', async () => {
  const postgres = await startOwnPostgres({ durable: true })
  closers.push(postgres.remove)
  const b = await criar({ postgres: postgres.url() })
  await postgres.stop()
  const instancia = b.instancia()
  await instancia.start()
  const leitura = instancia.checks.find(({ name }) => name === 'leitura')
  await b.redis.ready(5_000)
  await expect(leitura?.check(AbortSignal.timeout(1_000))).resolves.toBeUndefined()
  b.razao.registrar(fatos(10))
  const again = await startOwnPostgres({ durable: true, dataDir: `${postgres.dir}/postgres`, port: postgres.port })
  closers.push(again.stop)
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('a position that the ledger does not have is passed where its letter is kept, and reported where nothing is known', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(3))
  b.razao.pularPosicao()
  await b.razao.publicarTexto(4, '{"type":"never in the ledger"}')
  b.razao.registrar(fatos(3, 1))
  await b.aplicado(7)
  expect(await b.cartas()).toMatchObject([{ posicao: 4, pulada: true }])
  expect(await b.somas()).toEqual(b.razao.somas())

  b.razao.pularPosicao()
  b.razao.registrar(fatos(3, 2))
  await waitFor(async () => (await b.metrica('fluxo_repair_absent_total')) === 1)
  await waitFor(async () => (await b.marca())?.ultimaPosicao === 11)
  expect(await b.marca()).toMatchObject({ aplicadaAte: 7, buracos: [{ de: 8, ate: 8 }] })
  expect(await b.somas()).toEqual(b.razao.somas())
})
