import { createVersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { createBreaker } from '@fluxo/shared/resilience/breaker'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { facts } from '../../test/ledger.ts'
import { createProjectionStage, type ProjectionStage } from '../../test/projection-stage.ts'
import { reconstruir } from './rebuild.ts'

let stage: ProjectionStage | undefined
const closers: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  await stage?.close()
  stage = undefined
})
const create = async () => {
  stage = await createProjectionStage()
  return stage
}

const redo = async (b: ProjectionStage) => {
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
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(12_345))
  await b.ledger.publish()
  await b.waitApplied()
  const before = await b.sums()
  const done = await redo(b)
  expect(done).toMatchObject({ geracao: 2, entries: 12_345, changedCount: 0, changes: [], unreadable: 0 })
  expect(await b.sums()).toEqual(before)
  expect(await b.sql`select distinct geracao from saldo`).toEqual([{ geracao: 2 }])

  b.ledger.registrar(facts(100, 1))
  await b.ledger.publish(12_345)
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('under load it stays exact: nothing is lost or doubled at the swap, and reads never see half a generation', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(3_000))
  await b.ledger.publish()
  const over = new AbortController()
  const load = (async () => {
    while (!over.signal.aborted) {
      const de = b.ledger.ultima
      b.ledger.registrar(facts(50, de))
      await b.ledger.publish(de)
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
  const rebuilds = [await redo(b), await redo(b)]
  over.abort()
  await Promise.all([load, reads])
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
  expect(rebuilds.map(({ changedCount }) => changedCount)).toEqual([0, 0])
  expect(seen.every((n, i) => i === 0 || n >= (seen[i - 1] ?? 0))).toBe(true)
})

test('a wrong day is put right, told, and put right in the cache too, also where it should not exist at all', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar([{ comercianteId: 'loja-1', data: '2025-10-15', valor: 15050n }])
  await b.ledger.publish()
  await b.waitApplied()
  await waitFor(async () => (await b.cache('loja-1', '2025-10-15')) !== null)
  await b.owner`update saldo set creditos = 1, versao = versao + 5`
  await b.owner`insert into saldo values (1, 'loja-9', '2025-01-01', 7, 0, 1, 9, now())`
  const done = await redo(b)
  expect(done.changedCount).toBe(2)
  expect(done.changes).toMatchObject([
    { comercianteId: 'loja-1', before: { creditos: 1n }, after: { creditos: 15050n, quantidade: 1 } },
    { comercianteId: 'loja-9', before: { creditos: 7n }, after: { creditos: 0n, quantidade: 0 } },
  ])
  expect(await b.sums()).toEqual(b.ledger.sums())
  expect(await b.cache('loja-1', '2025-10-15')).toContain('"total_creditos":150.50')
  expect(await b.cache('loja-9', '2025-01-01')).toContain('"quantidade":0')
})

test.each([true, false])(
  'after a restore (new epoch: %s) a rebuild follows the living log, and the stopped projection resumes by itself',
  async (newEpoca) => {
    const b = await create()
    await b.instance().start()
    b.ledger.registrar(facts(30))
    await b.ledger.publish()
    await b.waitApplied()
    b.ledger.restore(10, { newEpoca })
    b.ledger.registrar(facts(5, 2))
    await b.ledger.loseStream()
    await b.ledger.publish()
    await waitFor(async () => (await b.metric('fluxo_inbox_epoca_divergente')) === 1)
    const done = await redo(b)
    expect(done.entries).toBe(15)
    expect(await b.sums()).toEqual(b.ledger.sums())
    b.ledger.registrar(facts(40, 4))
    await b.ledger.publish(15)
    await b.waitApplied()
    await waitFor(async () => (await b.metric('fluxo_inbox_epoca_divergente')) === 0)
    expect(await b.sums()).toEqual(b.ledger.sums())
  },
)

test('a ledger that ends before what was applied changes nothing, and a later rebuild still works', async () => {
  const b = await create()
  const first = b.instance()
  await first.start()
  b.ledger.registrar(facts(30))
  await b.ledger.publish()
  await b.waitApplied()
  // A running projection would notice the shorter ledger by itself, before the rebuild or during it.
  await first.drain()
  const before = await b.sums()
  b.ledger.restore(20, { newEpoca: false })
  await expect(redo(b)).rejects.toThrow(/ends at 20, before 30/)
  expect(await b.sums()).toEqual(before)
  await b.instance().start()
  await waitFor(async () => (await b.watermark())?.divergente === 'cabeca-regrediu')
  expect(await redo(b)).toMatchObject({ entries: 20 })
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('letters that the reader has learnt to read are in the new generation and cannot be redriven into it twice', async () => {
  const b = await create()
  await b.instance().start()
  const v2 = (body: Record<string, unknown>) => ({ ...body, type: 'lancamento.registrado.v2' })
  b.ledger.registrar(facts(5))
  b.ledger.registrar(facts(1), v2)
  await b.ledger.publish()
  await b.waitApplied()
  // Another letter, of an event that can be read meanwhile: passed over once, now part of the log's sums.
  await b.owner`insert into carta_morta values (0, 2, ${b.ledger.envelope(2)}, 'old reader', 1, now(), now(), null)`
  expect(await redo(b)).toMatchObject({ unreadable: 1 })
  expect(await b.cartas()).toMatchObject([
    { posicao: 2, redirigida: true },
    { posicao: 6, pulada: true, redirigida: false },
  ])
})

test('two rebuilds at once are one', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(20_000))
  await b.waitApplied()
  const outcomes = await Promise.allSettled([redo(b), redo(b)])
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(await b.sums()).toEqual(b.ledger.sums())
})
