import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { type Database, LOGS } from './journal.ts'

type MigrateOptions = {
  database: Database
  /** A URL whose role may create tables; the services' own roles may not. */
  url: string
  /** How TLS is done, as postgres.js takes it; `url` then says nothing of it. */
  ssl?: object | undefined
  /** Partitions of a new log, 1 by default. Fixed at the first migration; another number is refused later. */
  particoes?: number | undefined
  /** Other migrations than this version's: for tests of two versions beside each other. */
  folder?: string | undefined
  /** Hears of what was done, a line each. */
  log?: (line: string) => void
}

/**
 * How long a statement of a migration waits for a table that others use. Whoever comes after it waits behind it: rather the migration
 * fails, is undone as a whole, and is tried again.
 */
const LOCK_TIMEOUT_MS = 5_000
/** The key of the advisory lock under which one migration runs at a time, whatever the number of instances. */
const MIGRATION_LOCK = 7_264_100

/** Where the migrations of this version are. */
export const migrationsFolder = (database: Database): string =>
  fileURLToPath(new URL(`./${database}/migrations`, import.meta.url))

/**
 * Brings a database to the newest schema, and gives a new log its epoch and its partitions.
 *
 * Safe to run again and from several places at once. Rejects where PARTICOES differs from what the log was made with.
 */
export const migrate = async (options: MigrateOptions): Promise<void> => {
  const { database, url, ssl, particoes, folder = migrationsFolder(database), log = () => {} } = options
  // One connection, which holds the lock, and a client of drizzle's own: drizzle changes the parsers of its client.
  const sql = postgres(url, {
    ...(ssl && { ssl }),
    max: 1,
    onnotice: () => {},
    connection: { application_name: 'fluxo migrate' },
  })
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`
    await sql.unsafe(`set lock_timeout = ${LOCK_TIMEOUT_MS}`)
    await applyMigrations(drizzle(sql), { migrationsFolder: folder })
    // The service compares what was done with what it needs (shared/postgres/schema-gate.ts).
    await sql`grant usage on schema drizzle to ${sql(database)}`
    await sql`grant select on drizzle.__drizzle_migrations to ${sql(database)}`
    if (LOGS.has(database)) await createLog(sql, particoes)
    log(`${database}: schema is current`)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

const createLog = async (sql: postgres.Sql, particoes: number | undefined): Promise<void> => {
  await sql`insert into log_estado (epoca, particoes) values (${randomUUID()}, ${particoes ?? 1}) on conflict do nothing`
  const [state] = await sql<{ particoes: number }[]>`select particoes::int from log_estado`
  if (particoes !== undefined && state?.particoes !== particoes) {
    throw new Error(`PARTICOES=${particoes}, but this log was made with ${state?.particoes}, which cannot change.`)
  }
  for (const table of ['posicao', 'relay_cursor']) {
    await sql`insert into ${sql(table)} (particao)
      select generate_series(0, (select particoes from log_estado) - 1) on conflict do nothing`
  }
}
