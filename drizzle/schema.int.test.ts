import { createServiceDatabase, type TestDatabase } from '@fluxo/tests/stage/databases'
import { is } from 'drizzle-orm'
import { getTableConfig, type IndexedColumn, PgTable } from 'drizzle-orm/pg-core'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as avisos from './avisos/schema.ts'
import * as consolidado from './consolidado/schema.ts'
import * as entregas from './entregas/schema.ts'
import { DATABASES, type Database } from './journal.ts'
import * as lancamentos from './lancamentos/schema.ts'

const SCHEMAS: Record<Database, Record<string, unknown>> = { lancamentos, consolidado, entregas, avisos }

/** A column of each database that a test may change: its table, its name, its type, and what else is said of it. */
const WITNESSES: Record<Database, readonly [table: string, column: string, type: string, options: string]> = {
  lancamentos: ['posicao', 'ultima', 'bigint', ' not null default'],
  consolidado: ['projecao', 'geracao', 'integer', ' not null'],
  entregas: ['posicao', 'ultima', 'bigint', ' not null default'],
  avisos: ['ouvinte', 'ultimo', 'bigint', ' not null default'],
}

/** A line for each column, key, index, check and reference that `schema.ts` declares. */
const declared = (database: Database): string[] =>
  Object.values(SCHEMAS[database])
    .filter((value) => is(value, PgTable))
    .flatMap((table) => linesOf(getTableConfig(table)))
    .sort()

const linesOf = ({ name, columns, primaryKeys, uniqueConstraints, indexes, checks, foreignKeys }: TableConfig) => [
  ...columns.map((column) => {
    const type = column.getSQLType().replaceAll(/ (?=\()|(?<=,) /g, '')
    return `${name}.${column.name} ${type}${column.notNull ? ' not null' : ''}${column.hasDefault ? ' default' : ''}`
  }),
  ...columns.filter((column) => column.primary).map((column) => `${name}_pkey: primary ${name} (${column.name})`),
  ...primaryKeys.map((key) => `${key.getName()}: primary ${name} (${namesOf(key.columns)})`),
  ...columns.filter((c) => c.isUnique).map((c) => `${c.uniqueName}: unique ${name} (${c.name})`),
  ...uniqueConstraints.map((key) => `${key.name}: unique ${name} (${namesOf(key.columns)})`),
  ...indexes.map(({ config }) => {
    const of = namesOf(config.columns as IndexedColumn[])
    return `${config.name}: ${config.unique ? 'unique' : 'index'} ${name} (${of})${config.where ? ' partial' : ''}`
  }),
  ...checks.map((one) => `${one.name}: check ${name}`),
  ...foreignKeys.map((key) => {
    const { columns: from, foreignTable, foreignColumns } = key.reference()
    const target = `${getTableConfig(foreignTable).name} (${namesOf(foreignColumns)})`
    return `${key.getName()}: ${name} (${namesOf(from)}) references ${target} on delete ${key.onDelete}`
  }),
]
type TableConfig = ReturnType<typeof getTableConfig>

const namesOf = (columns: readonly { name: string | undefined }[]): string =>
  columns.map((column) => column.name).join(', ')

/** The same lines as the database has them. */
const FOUND = `
select t.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
  || case when a.attnotnull then ' not null' else '' end || case when a.atthasdef then ' default' else '' end as line
from pg_class t join pg_attribute a on a.attrelid = t.oid
where t.relnamespace = 'public'::regnamespace and t.relkind = 'r' and a.attnum > 0 and not a.attisdropped
union all
select c.relname || ': ' || case when i.indisprimary then 'primary' when i.indisunique then 'unique' else 'index' end
  || ' ' || t.relname || ' (' || (select string_agg(pg_get_indexdef(i.indexrelid, n, false), ', ' order by n)
    from generate_series(1, i.indnkeyatts) n) || ')' || case when i.indpred is not null then ' partial' else '' end
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
where t.relnamespace = 'public'::regnamespace
union all
select conname || ': check ' || conrelid::regclass from pg_constraint
where contype = 'c' and connamespace = 'public'::regnamespace
union all
select conname || ': ' || conrelid::regclass || ' (' || (select string_agg(attname, ', ') from pg_attribute
    where attrelid = conrelid and attnum = any(conkey)) || ') references ' || confrelid::regclass
  || ' (' || (select string_agg(attname, ', ') from pg_attribute where attrelid = confrelid and attnum = any(confkey)) || ')'
  || ' on delete ' || case confdeltype when 'c' then 'cascade' else 'no action' end
from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`

describe.each(DATABASES)('schema.ts of %s', (database) => {
  let own: TestDatabase
  let sql: postgres.Sql
  beforeAll(async () => {
    own = await createServiceDatabase(database)
    sql = postgres(own.ownerUrl, { max: 1, onnotice: () => {} })
  })
  afterAll(async () => {
    await sql.end()
    await own.drop()
  })

  const found = async () => (await sql.unsafe<{ line: string }[]>(FOUND)).map(({ line }) => line).sort()
  /** What a change of the database makes of the comparison: lines that only it has, and lines that it lacks. */
  const after = async (change: string) => {
    await sql`begin`
    await sql.unsafe(change)
    const [theirs, ours] = [await found(), declared(database)]
    await sql`rollback`
    const only = theirs.filter((line) => !ours.includes(line))
    return { only, lacking: ours.filter((line) => !theirs.includes(line)) }
  }

  test('says what a migrated database has, and nothing else', async () => {
    expect(await found()).toEqual(declared(database))
  })

  const [table, column, type, options] = WITNESSES[database]
  test.each([
    ['a column', `add column novo text`, [`${table}.novo text`], []],
    ['a missing column', `drop column ${column}`, [], [`${table}.${column} ${type}${options}`]],
    [
      'another type',
      `alter column ${column} type numeric`,
      [`${table}.${column} numeric${options}`],
      [`${table}.${column} ${type}${options}`],
    ],
    [
      'another nullability',
      `alter column ${column} drop not null`,
      [`${table}.${column} ${type}${options.replace(' not null', '')}`],
      [`${table}.${column} ${type}${options}`],
    ],
    ['a key', `add constraint nova unique (${column})`, [`nova: unique ${table} (${column})`], []],
  ])('%s that only one side has is told', async (_, change, only, lacking) => {
    expect(await after(`alter table ${table} ${change}`)).toEqual({ only, lacking })
  })

  test('a table that only the database has is told', async () => {
    expect((await after('create table nova (a int)')).only).toEqual(['nova.a integer'])
  })
})
