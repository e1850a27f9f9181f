import type { Sql } from '../postgres/sql.ts'
import { run, statement } from '../postgres/statement.ts'
import { counter, gauge, type Registry } from '../telemetry/metrics.ts'
import { createScrapeQuery } from '../telemetry/scrape-query.ts'
import type { LogEntry, ReadPage } from './pages.ts'

type RelayMetricsOptions = {
  /** The log, as the metrics call it: a process may hold several. */
  name: string
  sql: Sql
  readPage: ReadPage
  registry: Registry
}

export type RelayMetrics = ReturnType<typeof createRelayMetrics>

type Row = { particao: number; ultima: number; cursor: number }
type Seen = Row & {
  /** Seconds since the oldest unpublished entry was registered; 0 where all are published. */
  lagSeconds: number
}

const CURSORS = statement(
  'relay.cursors',
  `select p.particao::int as particao, p.ultima::float8 as ultima, c.posicao::float8 as cursor
   from posicao p join relay_cursor c using (particao)`,
)

/** The logs of a registry, by name, and how to look at their partitions. */
const logsOf = new WeakMap<Registry, Map<string, () => Promise<Seen[] | undefined>>>()

/**
 * The metrics of a log and its relay, by log and partition.
 *
 * Head, cursor and lag are read from the database, so every instance shows them, whoever holds the lease. The cursor's
 * row follows up to a second behind; an instance that publishes itself knows better (`published`), so across instances
 * take `max` of the cursor and `min` of the lags. The lease is each instance's own: take `sum`, which must be 1.
 */
export function createRelayMetrics({ name, sql, readPage, registry }: RelayMetricsOptions) {
  const published = new Map<number, number>()

  const seen = async ({ particao, ultima, cursor: saved }: Row): Promise<Seen> => {
    const cursor = Math.min(ultima, Math.max(saved, published.get(particao) ?? 0))
    const [oldest] = ultima > cursor ? await readPage(particao, cursor, 1) : []
    return { particao, ultima, cursor, lagSeconds: oldest === undefined ? 0 : ageSeconds(oldest) }
  }
  const look = createScrapeQuery(async () => {
    const rows = await run<Row>(sql, CURSORS)
    return Promise.all(rows.map(seen))
  })
  const logs = logsOf.get(registry) ?? show(registry)
  logs.set(name, look)

  const labelNames = ['log', 'particao'] as const
  const labelled = (metric: { name: string; help: string }) => {
    const all = counter(registry, { ...metric, labelNames })
    return { inc: ({ particao }: { particao: number }, value = 1) => all.inc({ log: name, particao }, value) }
  }
  const lease = gauge(registry, {
    name: 'fluxo_relay_lease',
    help: '1 where this instance holds the lease of the partition.',
    labelNames,
  })
  return {
    /** Notes how far this instance has published. */
    reached: (particao: number, posicao: number): void => {
      published.set(particao, posicao)
    },
    published: labelled({ name: 'fluxo_relay_published_total', help: 'Entries that the relay added to a stream.' }),
    repeated: labelled({
      name: 'fluxo_relay_repeated_total',
      help: 'Entries that a stream had already when the relay sent them.',
    }),
    redisLosses: labelled({
      name: 'fluxo_relay_redis_losses_total',
      help: 'Times that a relay found its stream behind its cursor, or filled from another log.',
    }),
    lease: { set: ({ particao }: { particao: number }, value: 0 | 1) => lease.set({ log: name, particao }, value) },
  }
}

/** Makes the gauges that show what the database says of every log of the registry. */
function show(registry: Registry): Map<string, () => Promise<Seen[] | undefined>> {
  const logs = new Map<string, () => Promise<Seen[] | undefined>>()
  logsOf.set(registry, logs)
  const one = (metric: string, help: string, value: (partition: Seen) => number) =>
    gauge(registry, {
      name: metric,
      help,
      labelNames: ['log', 'particao'],
      async collect() {
        const all = await Promise.all([...logs].map(async ([log, look]) => ({ log, partitions: await look() })))
        this.reset()
        for (const { log, partitions = [] } of all)
          for (const partition of partitions) this.set({ log, particao: partition.particao }, value(partition))
      },
    })
  one('fluxo_log_ultima', 'Highest position of the log.', ({ ultima }) => ultima)
  one('fluxo_relay_cursor', 'Highest position that was published.', ({ cursor }) => cursor)
  one('fluxo_relay_lag', 'Entries of the log that are not published yet.', ({ ultima, cursor }) => ultima - cursor)
  one('fluxo_relay_lag_seconds', 'Age of the oldest entry that is not published.', ({ lagSeconds }) => lagSeconds)
  return logs
}

/** A clock that is behind the writer's must not show a negative age. */
const ageSeconds = ({ body }: LogEntry): number => {
  const { time }: { time?: string } = JSON.parse(body)
  return time === undefined ? 0 : Math.max(0, (Date.now() - Date.parse(time)) / 1_000)
}
