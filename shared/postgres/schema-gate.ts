import { type Clock, systemClock } from '../clock.ts'
import { NotReady } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { codeOf } from './failure.ts'
import type { Sql } from './sql.ts'

type SchemaGateDeps = {
  /** The database's name, for whoever has to migrate it. */
  database: string
  /** What the code needs: `when` is what the database remembers of each. */
  migrations: readonly { tag: string; when: number }[]
  sql: Sql
  log: Logger
  clock?: Clock
}

/** One small question; a migration that ends is noticed this soon. */
const ASK_AGAIN_MS = 1_000
/** Nothing was ever migrated, or by a version whose services could not ask: no schema, no table, no right to read it. */
const NEVER_MIGRATED = new Set(['3F000', '42P01', '42501'])

/**
 * Keeps a service from starting until its database has every migration that its code knows. Further ones do no harm: they only
 * add (tests/static/migrations.ts), so an older service goes on beside them.
 *
 * A database that does not answer keeps no service from starting: other checks report it, and some services work without it.
 */
export const createSchemaGate = ({ database, migrations, sql, log, clock = systemClock }: SchemaGateDeps) => {
  const stopping = new AbortController()
  let current = false

  const check = async (): Promise<void> => {
    if (current) return
    const done = await readDone(sql)
    if (done === undefined) return
    const missing = migrations.filter(({ when }) => !done.has(when)).map(({ tag }) => tag)
    if (missing.length > 0) {
      throw new NotReady(
        `the database ${database} lacks ${missing.join(', ')}: migrate it first (docs/operations.md, A new version)`,
      )
    }
    current = true
  }

  return {
    /** Rejects with `NotReady` where the database answers and lacks a migration; asks no more once it has had all. */
    check,
    /** Resolves when `check` does, or after `stop`. */
    wait: async (): Promise<void> => {
      for (let told = false; !stopping.signal.aborted; told = true) {
        try {
          await check()
          return
        } catch (error) {
          if (!told && error instanceof NotReady) log.error({ database }, error.message)
          await clock.delay(ASK_AGAIN_MS, stopping.signal).catch(() => {})
        }
      }
    },
    stop: (): void => stopping.abort(),
  }
}

/** What the database remembers; undefined where it cannot be asked. */
const readDone = async (sql: Sql): Promise<Set<number> | undefined> => {
  try {
    const rows = await sql<{ when: number }[]>`select created_at::float8 as when from drizzle.__drizzle_migrations`
    return new Set(rows.map(({ when }) => when))
  } catch (error) {
    return NEVER_MIGRATED.has(codeOf(error) ?? '') ? new Set() : undefined
  }
}
