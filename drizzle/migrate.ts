import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'

/** The services' databases. `lancamentos` and `entregas` hold a log. */
export type Database = 'lancamentos' | 'consolidado' | 'entregas'

export type MigrateOptions = {
  database: Database
  /** A URL whose role may create tables; the services' own roles may not. */
  url: string
  /** Partitions of a new log, 1 by default. Fixed at the first migration; another number is refused later. */
  particoes?: number
  /** Hears of what was done, a line each. */
  log?: (line: string) => void
}

/** The key of the advisory lock under which one migration runs at a time, whatever the number of instances. */
const MIGRATION_LOCK = 7_264_100
const FOLDERS = {
  lancamentos: fileURLToPath(new URL('./lancamentos/migrations', import.meta.url)),
  consolidado: fileURLToPath(new URL('./consolidado/migrations', import.meta.url)),
  entregas: fileURLToPath(new URL('./entregas/migrations', import.meta.url)),
}

/**
 * Brings a database to the newest schema, and gives a new log its epoch and its partitions.
 *
 * Safe to run again and from several places at once. Rejects where PARTICOES differs from what the log was made with.
 */
export const migrate = async ({ database, url, particoes, log = () => {} }: MigrateOptions): Promise<void> => {
  // One connection, which holds the lock, and a client of drizzle's own: drizzle changes the parsers of its client.
  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { application_name: 'fluxo migrate' } })
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`
    await applyMigrations(drizzle(sql), { migrationsFolder: FOLDERS[database] })
    if (database !== 'consolidado') await createLog(sql, particoes)
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
