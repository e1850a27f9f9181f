import { createDatabase, type TestDatabase } from '@fluxo/tests/stage/databases'
import { sql as drizzleSql, eq } from 'drizzle-orm'
import { bigint, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, type Question } from './ask.ts'
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

test('a failure is PostgreSQL’s own, with the query’s name and without the parameters', async () => {
  const novo = { nome: 'repetida', valor: 1n, desde: new Date() }
  const criar = () => ask(sql, (db) => db.insert(conta).values(novo))
  await criar()
  const error: unknown = await criar().catch((error: unknown) => error)
  expect(error).toMatchObject({ code: '23505', statement: 'conta.insert' })
  expect(String(error)).not.toContain('repetida')
})

test.each<[string, Question<unknown>]>([
  ['conta.select', (db) => db.select().from(conta).where(eq(drizzleSql`1 / 0`, 1)).for('update')],
  ['conta.update', (db) => db.update(conta).set({ valor: drizzleSql`1 / 0` })],
  ['conta.delete', (db) => db.delete(conta).where(eq(drizzleSql`1 / 0`, 1))],
  [
    'conta.insert',
    (db) => db.execute(drizzleSql`with a as (insert into conta (valor) values (1 / 0) returning 1) select from a`),
  ],
])('a query that PostgreSQL refuses is known as %s', async (statement, question) => {
  expect(await ask(sql, question).catch((error: unknown) => error)).toMatchObject({ code: '22012', statement })
})
