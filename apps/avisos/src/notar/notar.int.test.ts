import { randomUUID } from 'node:crypto'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { createServiceDatabase, type TestDatabase } from '@fluxo/tests/stage/databases'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NOTE_DITOS } from './note-eventos.ts'

type Dito = { comerciante: string; id?: string; tipo?: string; minutesAgo?: number }

let database: TestDatabase
let sql: Sql
beforeEach(async () => {
  database = await createServiceDatabase('avisos')
  sql = createSql({ url: database.appUrl, max: 8, name: 'teste' })
})
afterEach(async () => {
  await closeSql(sql)
  await database.drop()
})

/** Notes what is told, as who follows a log does; gives how many deliveries were made. */
const note = async (ditos: readonly Dito[]): Promise<number> => {
  const rows = ditos.map(({ comerciante, id = randomUUID(), tipo = 'pedido.recebido.v1', minutesAgo = 0 }, ordem) => ({
    ...{ ordem, comerciante_id: comerciante, id, tipo, corpo: `{"n":${ordem}}`, rastro: null },
    em: new Date(Date.now() - minutesAgo * 60_000).toISOString(),
  }))
  const text = `with ditos as (
    select * from json_to_recordset($1::text::json)
      as d(ordem bigint, comerciante_id text, id uuid, tipo text, em timestamptz, corpo text, rastro text)
  ), ${NOTE_DITOS} select count(*)::int as n from avisados`
  return Number((await sql.unsafe<{ n: number }[]>(text, [JSON.stringify(rows)]))[0]?.n)
}
const listen = async (comerciante: string, eventos: string[] | null = null): Promise<string> => {
  const id = randomUUID()
  await sql`insert into ouvinte (comerciante_id) values (${comerciante}) on conflict do nothing`
  await sql`insert into webhook (id, comerciante_id, url, segredo, eventos)
    values (${id}, ${comerciante}, 'https://x', 's', ${eventos && `{${eventos.join()}}`}::text::text[])`
  return id
}
const numbers = async (comerciante: string) =>
  (await sql<{ seq: number }[]>`select seq::int from evento where comerciante_id = ${comerciante} order by seq`).map(
    ({ seq }) => seq,
  )

test('whoever notes at once for the same merchants, numbers have no gap, are given once, and nobody waits for ever', async () => {
  await Promise.all(['a', 'b', 'c'].map((comerciante) => listen(comerciante)))
  const orders = [
    ['a', 'b', 'c'],
    ['c', 'b', 'a'],
    ['b', 'c', 'a'],
  ]
  const batches = Array.from({ length: 60 }, (_, i) => (orders[i % orders.length] ?? []).flatMap((one) => [one, one]))
  const made = await Promise.all(batches.map((batch) => note(batch.map((comerciante) => ({ comerciante })))))
  expect(made.reduce((sum, n) => sum + n, 0)).toBe(360)
  for (const comerciante of ['a', 'b', 'c']) {
    expect(await numbers(comerciante)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1))
  }
})

test('nothing is noted of which nobody hears: no webhook, another type, disabled for a week, or long before', async () => {
  await listen('surda', ['pedido.cancelado.v1'])
  const old = await listen('antiga')
  await sql`update webhook set desativado_em = now() - interval '8 days' where id = ${old}`
  await listen('nova')
  await sql`insert into ouvinte (comerciante_id) values ('so-ouvinte')`
  const made = await note([
    { comerciante: 'ninguem' },
    { comerciante: 'so-ouvinte' },
    { comerciante: 'surda' },
    { comerciante: 'antiga' },
    { comerciante: 'nova', minutesAgo: 300 },
  ])
  expect([made, await sql`select from evento`]).toEqual([0, []])
  await sql`update webhook set desde = now() - interval '60 days'`
  await sql`update ouvinte set desde = now() - interval '60 days'`
  expect(await note([{ comerciante: 'nova', minutesAgo: 30 * 1_440 }])).toBe(0)
  expect(await note([{ comerciante: 'nova', minutesAgo: 28 * 1_440 }])).toBe(1)
})

test('it is noted without a delivery for a stream that was cut, and for a webhook that was disabled a moment ago', async () => {
  await sql`insert into ouvinte (comerciante_id, escuta_ate) values ('ouve', now() + interval '1 day')`
  const webhook = await listen('caiu')
  await sql`update webhook set desativado_em = now() where id = ${webhook}`
  expect(await note([{ comerciante: 'ouve' }, { comerciante: 'caiu' }])).toBe(0)
  expect([await numbers('ouve'), await numbers('caiu')]).toEqual([[1], [1]])
})

test('a pattern names the types of a log, and a type itself', async () => {
  await listen('loja', ['order.*'])
  await listen('loja', ['lancamento.*'])
  await listen('loja', ['pedido.recebido.v1'])
  expect(await note([{ comerciante: 'loja' }])).toBe(2)
  expect(await note([{ comerciante: 'loja', tipo: 'lancamento.registrado' }])).toBe(1)
  expect(await note([{ comerciante: 'loja', tipo: 'consolidado.dia_alterado' }])).toBe(0)
})

test('what is noted again keeps its number and is told to nobody twice, but to a webhook that came later from elsewhere', async () => {
  const id = randomUUID()
  await listen('loja')
  expect(await note([{ comerciante: 'loja', id }])).toBe(1)
  expect(await note([{ comerciante: 'loja', id }])).toBe(0)
  await listen('loja')
  expect(await note([{ comerciante: 'loja', id }])).toBe(1)
  expect(await numbers('loja')).toEqual([1])
})
