import { gauge, type Registry } from '../telemetry/metrics.ts'
import { createScrapeQuery } from '../telemetry/scrape-query.ts'
import type { Sql } from './sql.ts'
import { run, statement } from './statement.ts'

type PostgresMetricsOptions = {
  registry: Registry
  /** Label `database`. */
  database: string
  sql: Sql
  /** The pools of this process, by their `application_name`, with the connections that each may open. */
  pools: Readonly<Record<string, number>>
}

type Connections = { pool: string; state: string; connections: number }
type Database = Pick<PostgresMetricsOptions, 'database' | 'pools'> & { look: () => Promise<Connections[] | undefined> }

/** postgres.js tells nothing about its pools, so the server is asked: it sees those of every instance under this role. */
const CONNECTIONS = statement(
  'pool.connections',
  `
select application_name as pool, coalesce(state, 'unknown') as state, count(*)::int as connections
from pg_stat_activity
where usename = current_user and datname = current_database() and application_name = any($1::text[])
group by 1, 2`,
  { prepare: false },
)

const databasesOf = new WeakMap<Registry, Database[]>()

/**
 * Exports whether a database answers and how its pools are used. Several databases share the metrics of one registry.
 *
 * `fluxo_postgres_connections` counts all instances and is the same on each (take `max`); `fluxo_postgres_pool_max` is
 * this process's own limit (take `sum`).
 */
export function exportPostgresMetrics({ registry, database, sql, pools }: PostgresMetricsOptions): void {
  const names = `{${Object.keys(pools).map((name) => JSON.stringify(name))}}`
  // Not prepared: one plan a second costs nothing, and the statement leaves nothing behind.
  const look = createScrapeQuery(async () => [...(await run<Connections>(sql, CONNECTIONS, [names]))])
  const known = databasesOf.get(registry)
  if (known) known.push({ database, pools, look })
  else register(registry, [{ database, pools, look }])
}

function register(registry: Registry, databases: Database[]): void {
  databasesOf.set(registry, databases)
  gauge(registry, {
    name: 'fluxo_postgres_up',
    help: '1 where the database answers within half a second.',
    labelNames: ['database'],
    async collect() {
      for (const { database, look } of databases) this.set({ database }, (await look()) === undefined ? 0 : 1)
    },
  })
  gauge(registry, {
    name: 'fluxo_postgres_connections',
    help: 'Connections of all instances to the database by pool and state; every instance shows the same.',
    labelNames: ['database', 'pool', 'state'],
    async collect() {
      this.reset()
      for (const { database, look } of databases)
        for (const { pool, state, connections } of (await look()) ?? [])
          this.set({ database, pool, state }, connections)
    },
  })
  gauge(registry, {
    name: 'fluxo_postgres_pool_max',
    help: 'Connections that this process may open, by pool.',
    labelNames: ['database', 'pool'],
    collect() {
      for (const { database, pools } of databases)
        for (const [pool, max] of Object.entries(pools)) this.set({ database, pool }, max)
    },
  })
}
