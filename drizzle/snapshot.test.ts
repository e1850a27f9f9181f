import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import { describe, expect, test } from 'vitest'
import * as avisos from './avisos/schema.ts'
import * as consolidado from './consolidado/schema.ts'
import * as entregas from './entregas/schema.ts'
import { DATABASES, migrationsOf } from './journal.ts'
import * as lancamentos from './lancamentos/schema.ts'
import { migrationsFolder } from './migrate.ts'

const SCHEMAS = { lancamentos, consolidado, entregas, avisos }

describe.each(DATABASES)('the snapshot beside the newest migration of %s', (database) => {
  const [newest] = migrationsOf(database).at(-1)?.tag.split('_') ?? []
  const snapshot = JSON.parse(readFileSync(join(migrationsFolder(database), `meta/${newest}_snapshot.json`), 'utf8'))

  test('is what schema.ts says: `drizzle-kit generate` finds no change', async () => {
    expect(await generateMigration(snapshot, generateDrizzleJson(SCHEMAS[database]))).toEqual([])
  })

  test('is compared: without a table there is one to make', async () => {
    const [first = ''] = Object.keys(snapshot.tables).filter((name) => name.startsWith('public.inbox_'))
    const { [first]: _, ...tables } = snapshot.tables
    const statements = await generateMigration({ ...snapshot, tables }, generateDrizzleJson(SCHEMAS[database]))
    expect(statements.join()).toContain(`CREATE TABLE "${first.slice('public.'.length)}"`)
  })
})
