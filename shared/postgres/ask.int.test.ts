import { createDatabase, type TestDatabase } from '@fluxo/tests/stage/databases'
import { eq } from 'drizzle-orm'
import { bigint, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from './ask.ts'
import { closeSql, createSql, type Sql } from './sql.ts'

const conta = pgTable('conta', {
  nome: text().primaryKey(),
  valor: bigint({ mode: 'bigint' }).notNull(),
  desde: timestamp({ withTimezone: true }).notNull(),
  watermarks: text().array(),
})

let database: TestDatabase
let sql: Sql
beforeAll(async () => {
  database = await createDatabase()
  sql = createSql({ url: database.ownerUrl, max: 1, name: 'ask' })
  await sql`create table conta (nome text primary key, valor bigint not null, desde timestamptz not null, watermarks text[])`
})
afterAll(async () => {
  await closeSql(sql)
  await database.drop()
})

test('what drizzle writes it reads back, and the pool’s other statements are as before', async () => {
  const ana = {
    nome: 'Ana',
    valor: 2n ** 60n + 1n,
    desde: new Date('2026-11-21T12:00:00.123Z'),
    watermarks: ['a', 'b,"}'],
  }
  await ask(sql, (db) => db.insert(conta).values([ana, { ...ana, nome: 'Eva', watermarks: null }]))
  expect(await ask(sql, (db) => db.select().from(conta).where(eq(conta.nome, 'Ana')))).toEqual([ana])
  expect((await sql`select valor, desde from conta where desde = ${ana.desde} limit 1`)[0]).toEqual({
    valor: String(ana.valor),
    desde: ana.desde,
  })
})

test('a failure is PostgreSQL’s own, without the parameters', async () => {
  const novo = { nome: 'repetida', valor: 1n, desde: new Date() }
  const criar = () => ask(sql, (db) => db.insert(conta).values(novo))
  await criar()
  const error: unknown = await criar().catch((error: unknown) => error)
  expect(error).toMatchObject({ code: '23505' })
  expect(String(error)).not.toContain('repetida')
})
