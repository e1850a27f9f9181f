import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, type Migration, migrationsOf } from '@fluxo/drizzle/journal'
import { migrationsFolder } from '@fluxo/drizzle/migrate'

/** The migrations of another version of the code, in a folder of their own. */
type OtherVersion = { folder: string; remove: () => Promise<void> }

const JOURNAL = join('meta', '_journal.json')
const BREAK = '--> statement-breakpoint\n'

const copyOf = async (database: Database, change: (entries: Migration[], folder: string) => Promise<Migration[]>) => {
  const folder = await mkdtemp(join(tmpdir(), 'fluxo-migrations-'))
  await cp(migrationsFolder(database), folder, { recursive: true })
  const journal = JSON.parse(await readFile(join(folder, JOURNAL), 'utf8')) as { entries: Migration[] }
  journal.entries = await change(journal.entries, folder)
  await writeFile(join(folder, JOURNAL), JSON.stringify(journal))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** The version before: without the last migration, which is named. */
export const versionBefore = async (database: Database): Promise<OtherVersion & { lacks: string }> => {
  const last = migrationsOf(database).at(-1)
  if (last === undefined) throw new Error('invariant: every database has a migration')
  return { ...(await copyOf(database, async (entries) => entries.slice(0, -1))), lacks: last.tag }
}

/** The next version: with one more migration. */
export const versionAfter = (database: Database, ...statements: string[]): Promise<OtherVersion> =>
  copyOf(database, async (entries, folder) => {
    const { when } = entries.at(-1) ?? { when: 0 }
    const next = { ...entries.at(-1), idx: entries.length, when: when + 1, tag: '9999_next' }
    await writeFile(join(folder, `${next.tag}.sql`), statements.join(`;\n${BREAK}`))
    return [...entries, next]
  })
