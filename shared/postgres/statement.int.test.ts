import { createDatabase, type TestDatabase } from '@fluxo/tests/stage/databases'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serializeError } from '../telemetry/logger.ts'
import { closeSql, createSql, type Sql } from './sql.ts'
import { inPortions, run, statement } from './statement.ts'

let database: TestDatabase
let sql: Sql

beforeAll(async () => {
  database = await createDatabase()
  sql = createSql({ url: database.ownerUrl, max: 1, name: 'statement' })
})

afterAll(async () => {
  await closeSql(sql)
  await database.drop()
})

test('what PostgreSQL refuses is logged with the name of its statement and without its values', async () => {
  const wrong = statement('ledger.fail', 'select 1 / $1::text::int as n')
  const error = await run(sql, wrong, ['0']).catch((thrown: unknown) => thrown)
  expect(serializeError(error)).toMatchObject({ code: '22012', statement: 'ledger.fail' })
})

test('a statement is prepared once, by its text, unless it says otherwise', async () => {
  const kept = statement('ledger.kept', 'select $1::int as kept_n')
  const other = statement('ledger.other', 'select $1::int as other_n', { prepare: false })
  for (const n of [1, 2])
    expect([...(await run(sql, kept, [n])), ...(await run(sql, other, [n]))]).toEqual([{ kept_n: n }, { other_n: n }])
  const prepared = await run<{ n: number }>(
    sql,
    statement('ledger.prepared', `select count(*)::int as n from pg_prepared_statements where statement like '%\\_n'`),
  )
  expect(prepared[0]?.n).toBe(1)
})

test('rows come in portions', async () => {
  const many = statement('ledger.many', 'select n from generate_series(1, $1::int) n')
  const sizes: number[] = []
  for await (const rows of inPortions<{ n: number }>(sql, many, [5], 2)) sizes.push(rows.length)
  expect(sizes).toEqual([2, 2, 1])
})
