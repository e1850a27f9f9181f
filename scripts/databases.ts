import { DATABASES, type Database } from '@fluxo/drizzle/journal'

/** Where a database is: for its service's own login, and for the owner who migrates it. */
export type Access = { app: string; owner: string }

type Named = Access & { holds: string }

/** What each database holds, and under which names the environment says where it is. A new service's is one more row. */
export const VARIABLES = {
  lancamentos: { app: 'DATABASE_URL_LANCAMENTOS', owner: 'DATABASE_URL_LANCAMENTOS_OWNER', holds: 'the ledger' },
  consolidado: { app: 'DATABASE_URL_CONSOLIDADO', owner: 'DATABASE_URL_CONSOLIDADO_OWNER', holds: 'the balances' },
  entregas: { app: 'DATABASE_URL_ENTREGAS', owner: 'DATABASE_URL_ENTREGAS_OWNER', holds: 'the orders' },
  avisos: { app: 'DATABASE_URL_AVISOS', owner: 'DATABASE_URL_AVISOS_OWNER', holds: 'the webhooks' },
} as const satisfies Readonly<Record<Database, Named>>

/** A value for each database. */
export const ofEach = <T>(valueFor: (database: Database) => T): Record<Database, T> =>
  Object.fromEntries(DATABASES.map((database) => [database, valueFor(database)])) as Record<Database, T>
