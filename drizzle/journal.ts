import avisos from './avisos/migrations/meta/_journal.json' with { type: 'json' }
import consolidado from './consolidado/migrations/meta/_journal.json' with { type: 'json' }
import entregas from './entregas/migrations/meta/_journal.json' with { type: 'json' }
import lancamentos from './lancamentos/migrations/meta/_journal.json' with { type: 'json' }

/** The services' databases. */
export const DATABASES = ['lancamentos', 'consolidado', 'entregas', 'avisos'] as const
export type Database = (typeof DATABASES)[number]

/** Those that hold a log. */
export const LOGS: ReadonlySet<Database> = new Set(['lancamentos', 'entregas'])

/** A step of a schema: its file's name, and the number under which the database remembers that it was done. */
export type Migration = { tag: string; when: number }

const JOURNALS = { lancamentos, consolidado, entregas, avisos }

/** The migrations that this version of the code needs, in order. */
export const migrationsOf = (database: Database): readonly Migration[] => JOURNALS[database].entries
