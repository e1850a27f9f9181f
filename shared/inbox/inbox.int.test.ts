import { randomUUID } from 'node:crypto'
import { createDatabase, type TestDatabase } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { LOCKS } from '../postgres/locks.ts'
import { closeSql, createSql, type Sql } from '../postgres/sql.ts'
import { arrayLiteral } from './array-literal.ts'
import { createInbox, type Inbox } from './inbox.ts'
import type { Effect } from './statement.ts'

/** A third service: it keeps sums of texts, which shows that the room knows nothing of balances. */
type InboxRow = { posicao: number; id: string | null; chave: string; valor: number }

const effect: Effect<InboxRow, [string, number][]> = {
  columns: [
    { name: 'chave', type: 'text', value: (row) => row.chave },
    { name: 'valor', type: 'bigint', value: (row) => row.valor },
  ],
  ctes: `
delta as (select chave, sum(valor) as valor, count(*) as vezes from novos group by chave),
tocadas as (
  insert into soma as s (chave, valor, vezes) select chave, valor, vezes from delta order by chave
  on conflict (chave) do update set valor = s.valor + excluded.valor, vezes = s.vezes + excluded.vezes
  returning s.chave, s.valor
)`,
  result: '(select json_agg(json_build_array(chave, valor))::text from tocadas)',
  parse: (json) => json as [string, number][],
}

const CONSUMERS = 4
let database: TestDatabase
let sql: Sql
let inbox: Inbox<InboxRow, [string, number][]>
const epoca = randomUUID()

beforeAll(async () => {
  database = await createDatabase()
  sql = createSql({ url: database.appUrl, max: CONSUMERS + 1, name: 'inbox' })
  await sql.unsafe(`create table inbox_particao (particao smallint primary key, aplicada_ate bigint not null default 0,
    adiante int8multirange not null default '{}', epoca uuid, ultima_posicao bigint not null default 0, ultimo_id uuid,
    divergente text)`)
  await sql.unsafe('create table soma (chave text primary key, valor bigint not null, vezes bigint not null)')
  inbox = createInbox({ sql, effect })
})

afterAll(async () => {
  await closeSql(sql)
  await database.drop()
})

beforeEach(async () => {
  await sql.unsafe('truncate inbox_particao')
  await sql.unsafe('truncate soma')
  await inbox.prepare(2)
})

/** The id of the event at a position: always the same, as the log's is. */
const idOf = (posicao: number): string => `00000000-0000-4000-8000-${String(posicao).padStart(12, '0')}`
const line = (posicao: number): InboxRow => ({
  posicao,
  id: idOf(posicao),
  chave: `chave "${posicao % 7}"\\`,
  valor: posicao,
})
const apply = (posicoes: readonly number[], particao = 0) => inbox.apply({ particao, epoca, rows: posicoes.map(line) })
const sums = async () => {
  const [row] = await sql<{ valor: number; vezes: number }[]>`
    select coalesce(sum(valor), 0)::float8 as valor, coalesce(sum(vezes), 0)::float8 as vezes from soma`
  return row
}
const watermark = async (particao = 0) => (await inbox.watermarks())[particao]

test('a batch applied twice, in part or out of order has its effect once', async () => {
  expect(await apply([1, 2, 3])).toMatchObject({ outcome: 'applied', novos: 3, repetidos: 0 })
  expect(await apply([3, 2, 5, 5, 2])).toMatchObject({ outcome: 'applied', novos: 1, repetidos: 4 })
  expect(await watermark()).toMatchObject({ aplicadaAte: 3, holes: [{ from: 4, to: 4 }], ultimaPosicao: 5 })
  expect(await apply([4])).toMatchObject({ novos: 1 })
  expect(await watermark()).toMatchObject({ aplicadaAte: 5, holes: [], ultimaPosicao: 5, ultimoId: idOf(5) })
  expect(await sums()).toEqual({ valor: 15, vezes: 5 })
})

test('what was touched comes back with its new state, and nothing where nothing was new', async () => {
  expect(await apply([7])).toMatchObject({ touched: [['chave "0"\\', 7]] })
  expect(await apply([14])).toMatchObject({ touched: [['chave "0"\\', 21]] })
  expect(await apply([7, 14])).toMatchObject({ novos: 0, touched: undefined })
})

test('any number of consumers with overlapping batches and duplicates apply every position exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 25 }), { maxLength: 12 }),
      async (batches) => {
        await sql.unsafe('truncate inbox_particao')
        await sql.unsafe('truncate soma')
        await inbox.prepare(1)
        await Promise.all(batches.map((posicoes) => apply(posicoes)))
        const all = [...new Set(batches.flat())]
        expect(await sums()).toEqual({ valor: all.reduce((a, b) => a + b, 0), vezes: all.length })
        const missing = Array.from({ length: Math.max(0, ...all) }, (_, i) => i + 1).filter((p) => !all.includes(p))
        const state = await watermark()
        expect(state?.aplicadaAte).toBe((missing[0] ?? Math.max(0, ...all) + 1) - 1)
        expect(
          state?.holes.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i)),
        ).toEqual(missing)
      },
    ),
    { numRuns: 60 },
  )
})

test('four consumers with 20 % duplicates and overlapping batches stay exact and never deadlock', async () => {
  const TOTAL = 20_000
  const BATCH = 250
  const work: number[][] = []
  for (let from = 1; from <= TOTAL; from += BATCH) {
    const normal = Array.from({ length: BATCH }, (_, i) => from + i)
    work.push(normal)
    // A redelivery that straddles two batches, somewhere in the past or just ahead of everybody.
    const start = Math.max(1, Math.floor(Math.random() * (from + BATCH)))
    if (Math.random() < 0.8) work.push(Array.from({ length: BATCH / 4 }, (_, i) => Math.min(TOTAL, start + i)))
  }
  let next = 0
  const consumer = async () => {
    for (let batch = work[next++]; batch !== undefined; batch = work[next++]) {
      expect(await apply(batch)).toMatchObject({ outcome: 'applied' })
    }
  }
  await Promise.all(Array.from({ length: CONSUMERS }, consumer))
  expect(await sums()).toEqual({ valor: (TOTAL * (TOTAL + 1)) / 2, vezes: TOTAL })
  expect(await watermark()).toMatchObject({ aplicadaAte: TOTAL, holes: [] })
})

test('a statement that waited for its turn sees what the one before it applied', async () => {
  const holder = createSql({ url: database.appUrl, max: 1, name: 'holder' })
  try {
    await holder`select pg_advisory_lock(${LOCKS.inbox}::int4, 0)`
    const waiting = Promise.all([apply([1, 2]), apply([1, 2]), apply([2, 3])])
    await waitFor(async () => {
      const [row] = await sql<{ n: number }[]>`
        select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted`
      return row?.n === 3
    })
    await holder`select pg_advisory_unlock(${LOCKS.inbox}::int4, 0)`
    const outcomes = await waiting
    expect(outcomes.reduce((sum, one) => sum + ('novos' in one ? one.novos : 0), 0)).toBe(3)
    expect(await sums()).toEqual({ valor: 6, vezes: 3 })
  } finally {
    await closeSql(holder)
  }
})

test('partitions do not know of each other', async () => {
  await apply([1, 2], 0)
  expect(await apply([1], 1)).toMatchObject({ novos: 1 })
  expect(await watermark(0)).toMatchObject({ aplicadaAte: 2 })
  expect(await watermark(1)).toMatchObject({ aplicadaAte: 1 })
})

test('another epoch is refused whole, and the first epoch is adopted', async () => {
  await apply([1])
  expect(await watermark()).toMatchObject({ epoca })
  const other = await inbox.apply({ particao: 0, epoca: randomUUID(), rows: [line(2)] })
  expect(other).toEqual({ outcome: 'epoca-divergente', epoca, divergente: null })
  expect(await sums()).toEqual({ valor: 1, vezes: 1 })
})

test('another event at the last known position is refused with its whole batch, never deduped', async () => {
  await apply([1, 2])
  const refusal = await inbox.apply({ particao: 0, epoca, rows: [{ ...line(2), id: randomUUID() }, line(3)] })
  expect(refusal).toMatchObject({ outcome: 'id-divergente' })
  expect(await sums()).toEqual({ valor: 3, vezes: 2 })
})

test('a stopped partition refuses everything until its row is put right, the others go on', async () => {
  await inbox.stop(0, 'cabeca-regrediu')
  await inbox.stop(0, 'a later reason')
  expect(await apply([1])).toEqual({ outcome: 'divergente', epoca: null, divergente: 'cabeca-regrediu' })
  expect(await apply([1], 1)).toMatchObject({ novos: 1 })
})

test('a position that is passed over has no effect, then or later', async () => {
  const nothing = { columns: [], ctes: 'nada as (select 1)', result: 'null::text', parse: () => undefined }
  await apply([1])
  const rows = [
    { posicao: 2, id: null },
    { posicao: 1, id: null },
  ]
  expect(await inbox.pass({ particao: 0, epoca: null, rows }, nothing)).toMatchObject({ novos: 1 })
  expect(await apply([2, 3])).toMatchObject({ novos: 1 })
  expect(await sums()).toEqual({ valor: 4, vezes: 2 })
  expect(await watermark()).toMatchObject({ aplicadaAte: 3 })
})

test('a statement that fails applies nothing and says why', async () => {
  const full = { ...line(1), chave: 'a\0b' }
  await expect(inbox.apply({ particao: 0, epoca, rows: [full, line(2)] })).rejects.toMatchObject({ code: '22021' })
  expect(await watermark()).toMatchObject({ aplicadaAte: 0, ultimaPosicao: 0 })
})

test('whoever waits for a position hears of it from this process, from another, or not in time', async () => {
  const here = inbox.waitApplied(0, 2, { timeoutMs: 5_000 })
  const other = createInbox({ sql, effect })
  const elsewhere = other.waitApplied(0, 5, { timeoutMs: 5_000 })
  expect(await inbox.waitApplied(0, 2, { timeoutMs: 30 })).toBe(false)
  await apply([1, 2, 5])
  expect(await Promise.all([here, elsewhere])).toEqual([true, true])
  expect(await inbox.waitApplied(0, 5, { timeoutMs: 0 })).toBe(true)
  expect(await inbox.waitApplied(0, 4, { timeoutMs: 30 })).toBe(false)
  await expect(inbox.waitApplied(0, 4, { timeoutMs: 5_000, signal: AbortSignal.timeout(30) })).rejects.toThrow(
    'timeout',
  )
  expect(await inbox.waitApplied(9, 1, { timeoutMs: 30 })).toBe(false)
})

test('array literals carry any text to the database unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.option(fc.string({ unit: 'binary', maxLength: 8 }).map((text) => text.replaceAll('\0', '').toWellFormed())),
      ),
      async (texts) => {
        const [row] = await sql<{ j: (string | null)[] }[]>`select to_json(${arrayLiteral(texts)}::text::text[]) as j`
        expect(row?.j).toEqual(texts)
      },
    ),
    { numRuns: 20 },
  )
})
