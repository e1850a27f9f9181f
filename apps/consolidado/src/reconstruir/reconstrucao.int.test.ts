import { createVersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { createBreaker } from '@fluxo/shared/resilience/breaker'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { type BancadaDeProjecao, createBancadaDeProjecao } from '../../test/bancada-de-projecao.ts'
import { fatos } from '../../test/razao.ts'
import { reconstruir } from './reconstrucao.ts'

let bancada: BancadaDeProjecao | undefined
const closers: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  await bancada?.fechar()
  bancada = undefined
})
const criar = async () => {
  bancada = await createBancadaDeProjecao()
  return bancada
}

const refazer = async (b: BancadaDeProjecao) => {
  const breaker = createBreaker({
    name: 'c',
    volumeThreshold: 20,
    errorThresholdPercentage: 50,
    resetTimeoutMs: 1_000,
  })
  await b.redis.ready(5_000)
  const cache = createVersionedCache({
    redis: b.redis.cache,
    prefix: b.cachePrefix,
    breaker,
    registry: new Registry(),
    name: 'c',
  })
  closers.push(() => breaker.close())
  return reconstruir({ databaseUrl: b.database.appUrl, feed: b.feed, particoes: 1, cache })
}

test('the result equals what it replaces, nothing of the old one is left, and the projection goes on', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(12_345))
  await b.razao.publicar()
  await b.aplicado()
  const antes = await b.somas()
  const feito = await refazer(b)
  expect(feito).toMatchObject({ geracao: 2, entradas: 12_345, diferentes: 0, diferencas: [], ilegiveis: 0 })
  expect(await b.somas()).toEqual(antes)
  expect(await b.sql`select distinct geracao from saldo`).toEqual([{ geracao: 2 }])

  b.razao.registrar(fatos(100, 1))
  await b.razao.publicar(12_345)
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('under load it stays exact: nothing is lost or doubled at the swap, and reads never see half a generation', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(3_000))
  await b.razao.publicar()
  const over = new AbortController()
  const load = (async () => {
    while (!over.signal.aborted) {
      const de = b.razao.ultima
      b.razao.registrar(fatos(50, de))
      await b.razao.publicar(de)
    }
  })()
  const seen: number[] = []
  const reads = (async () => {
    while (!over.signal.aborted) {
      const [row] = await b.sql<{ n: number }[]>`
        select coalesce(sum(s.quantidade), 0)::float8 as n from saldo s join projecao p on p.geracao = s.geracao`
      seen.push(row?.n ?? 0)
    }
  })()
  await waitFor(() => (seen.at(-1) ?? 0) >= 3_000)
  const feitas = [await refazer(b), await refazer(b)]
  over.abort()
  await Promise.all([load, reads])
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
  expect(feitas.map(({ diferentes }) => diferentes)).toEqual([0, 0])
  expect(seen.every((n, i) => i === 0 || n >= (seen[i - 1] ?? 0))).toBe(true)
})

test('a wrong day is put right, told, and put right in the cache too, also where it should not exist at all', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar([{ comercianteId: 'loja-1', data: '2025-10-15', valor: 15050n }])
  await b.razao.publicar()
  await b.aplicado()
  await waitFor(async () => (await b.cache('loja-1', '2025-10-15')) !== null)
  await b.dono`update saldo set creditos = 1, versao = versao + 5`
  await b.dono`insert into saldo values (1, 'loja-9', '2025-01-01', 7, 0, 1, 9, now())`
  const feito = await refazer(b)
  expect(feito.diferentes).toBe(2)
  expect(feito.diferencas).toMatchObject([
    { comercianteId: 'loja-1', antes: { creditos: 1n }, depois: { creditos: 15050n, quantidade: 1 } },
    { comercianteId: 'loja-9', antes: { creditos: 7n }, depois: { creditos: 0n, quantidade: 0 } },
  ])
  expect(await b.somas()).toEqual(b.razao.somas())
  expect(await b.cache('loja-1', '2025-10-15')).toContain('"total_creditos":150.50')
  expect(await b.cache('loja-9', '2025-01-01')).toContain('"quantidade":0')
})

test.each([true, false])(
  'after a restore (new epoch: %s) a rebuild follows the living log, and the stopped projection resumes by itself',
  async (novaEpoca) => {
    const b = await criar()
    await b.instancia().start()
    b.razao.registrar(fatos(30))
    await b.razao.publicar()
    await b.aplicado()
    b.razao.restaurar(10, { novaEpoca })
    b.razao.registrar(fatos(5, 2))
    await b.razao.perderStream()
    await b.razao.publicar()
    await waitFor(async () => (await b.metrica('fluxo_inbox_epoca_divergente')) === 1)
    const feito = await refazer(b)
    expect(feito.entradas).toBe(15)
    expect(await b.somas()).toEqual(b.razao.somas())
    b.razao.registrar(fatos(40, 4))
    await b.razao.publicar(15)
    await b.aplicado()
    await waitFor(async () => (await b.metrica('fluxo_inbox_epoca_divergente')) === 0)
    expect(await b.somas()).toEqual(b.razao.somas())
  },
)

test('a ledger that ends before what was applied changes nothing, and a later rebuild still works', async () => {
  const b = await criar()
  const primeira = b.instancia()
  await primeira.start()
  b.razao.registrar(fatos(30))
  await b.razao.publicar()
  await b.aplicado()
  // A running projection would notice the shorter ledger by itself, before the rebuild or during it.
  await primeira.drain()
  const antes = await b.somas()
  b.razao.restaurar(20, { novaEpoca: false })
  await expect(refazer(b)).rejects.toThrow(/ends at 20, before 30/)
  expect(await b.somas()).toEqual(antes)
  await b.instancia().start()
  await waitFor(async () => (await b.marca())?.divergente === 'cabeca-regrediu')
  expect(await refazer(b)).toMatchObject({ entradas: 20 })
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('letters that the reader has learnt to read are in the new generation and cannot be redriven into it twice', async () => {
  const b = await criar()
  await b.instancia().start()
  const v2 = (corpo: Record<string, unknown>) => ({ ...corpo, type: 'lancamento.registrado.v2' })
  b.razao.registrar(fatos(5))
  b.razao.registrar(fatos(1), v2)
  await b.razao.publicar()
  await b.aplicado()
  // Another letter, of an event that can be read meanwhile: passed over once, now part of the log's sums.
  await b.dono`insert into carta_morta values (0, 2, ${b.razao.corpo(2)}, 'old reader', 1, now(), now(), null)`
  expect(await refazer(b)).toMatchObject({ ilegiveis: 1 })
  expect(await b.cartas()).toMatchObject([
    { posicao: 2, redirigida: true },
    { posicao: 6, pulada: true, redirigida: false },
  ])
})

test('two rebuilds at once are one', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(20_000))
  await b.aplicado()
  const outcomes = await Promise.allSettled([refazer(b), refazer(b)])
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(await b.somas()).toEqual(b.razao.somas())
})
