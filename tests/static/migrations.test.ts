import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DATABASES, migrationsOf } from '@fluxo/drizzle/journal'
import { describe, expect, test } from 'vitest'
import { BEFORE_THE_RULE, complaintsOf, type MigrationFile } from './migrations.ts'
import { root } from './source-files.ts'

const FILES: MigrationFile[] = DATABASES.flatMap((database) => {
  const folder = `drizzle/${database}/migrations`
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.sql'))
    .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(root, folder, name), 'utf8') }))
})

describe('older services go on beside a newer schema: a migration only adds', () => {
  const ruled = FILES.filter(({ path }) => BEFORE_THE_RULE[path] === undefined)
  test.each(ruled)('$path', (file) => expect(complaintsOf(file)).toEqual([]))

  test('what is excused from the rule does break it, and is there', () => {
    const excused = FILES.filter(({ path }) => BEFORE_THE_RULE[path] !== undefined)
    expect(new Set(excused.map(({ path }) => path))).toEqual(new Set(Object.keys(BEFORE_THE_RULE)))
    for (const file of excused) expect([file.path, complaintsOf(file).length > 0]).toEqual([file.path, true])
  })

  test.each([
    ['alter table pedido drop column address', 'in another way than by a new column'],
    ['alter table pedido add column a text, drop column b', 'in another way than by a new column'],
    ['alter table pedido rename column address to endereco', 'in another way than by a new column'],
    ['alter table pedido rename to ordem', 'in another way than by a new column'],
    ['alter table pedido alter column valor type numeric', 'in another way than by a new column'],
    ['alter table pedido alter column valor set not null', 'in another way than by a new column'],
    ['alter table pedido add constraint x check (valor > 1)', 'in another way than by a new column'],
    ['alter table pedido enable row level security', 'in another way than by a new column'],
    ['alter table pedido add column a text not null', 'older services would have to fill'],
    ['alter table pedido add column a text references b', 'with a constraint'],
    ['alter table pedido add column a timestamptz default clock_timestamp()', 'computed for every row'],
    ['ALTER TABLE "pedido" DROP COLUMN "address";', 'in another way than by a new column'],
    ['drop table passo', 'no form of statement'],
    ['drop index pedido_lista', 'no form of statement'],
    ['truncate passo', 'no form of statement'],
    ['delete from passo', 'no form of statement'],
    ["update pedido set address = ''", 'no form of statement'],
    ['create or replace function evento_append_only() returns trigger as $$ select 1; $$', 'no form of statement'],
    ['insert into pedido values (1)', 'writes to a table that services use'],
    ['create trigger a before insert on pedido for each row execute function f()', 'makes a trigger on'],
    ['create policy a on pedido using (true)', 'makes a policy on'],
    ['create index a on pedido (valor)', 'for which every writer'],
    ['create index concurrently a on pedido (valor)', 'which no transaction can'],
    ['create unique index if not exists a on pedido (valor)', 'makes a unique index'],
    ['revoke select on pedido from entregas', 'no form of statement'],
    ['revoke execute on function now from public', 'takes a right away'],
    ['do $$ begin drop table pedido; end $$', 'does more than make and grant roles'],
    ['create table a (id int);\ndrop table pedido', 'no form of statement'],
  ])('%s is refused', (text, complaint) => {
    expect(complaintsOf({ path: 'planted.sql', text }).join('\n')).toContain(complaint)
  })

  test.each([
    'alter table pedido add column a text',
    'ALTER TABLE "pedido" ADD COLUMN "a" text;',
    "alter table pedido add column a text not null default 'x', add column b int default -1",
    'create index if not exists a on pedido (valor)',
    '-- drop table pedido\ncreate table a (id int);\n--> statement-breakpoint\nalter table a enable row level security',
    'create table a (id int)\n--> statement-breakpoint\ninsert into a values (1)',
    'grant select on a to b',
  ])('%s is not', (text) => expect(complaintsOf({ path: 'planted.sql', text })).toEqual([]))
})

describe.each(DATABASES)('the journal of %s', (database) => {
  test('names every file, in order', () => {
    const names = FILES.filter(({ path }) => path.startsWith(`drizzle/${database}/`)).map(({ path }) => path)
    expect(names).toEqual(migrationsOf(database).map(({ tag }) => `drizzle/${database}/migrations/${tag}.sql`))
  })

  // The migrator does what is later than the last that was done: an earlier number would be left out for ever.
  test('numbers each later than the one before', () => {
    const numbers = migrationsOf(database).map(({ when }) => when)
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b))
  })
})
