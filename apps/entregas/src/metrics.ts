import type { Sql } from '@fluxo/shared/postgres/sql'
import { counter, gauge, histogram, type Registry } from '@fluxo/shared/telemetry/metrics'
import { createScrapeQuery } from '@fluxo/shared/telemetry/scrape-query'
import { countPassos } from './fluir/passo-store.ts'

/** What the store tells of its group commits. */
export const groupCommitMetrics = (registry: Registry) => {
  const rows = histogram(registry, {
    name: 'fluxo_pedidos_group_commit_rows',
    help: 'Orders and changes of one group commit.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
  })
  const refused = counter(registry, {
    name: 'fluxo_pedidos_group_commit_refused_total',
    help: 'Orders and changes turned away with 503 because too many waited.',
  })
  return { onBatch: (size: number) => rows.observe(size), onRefused: () => refused.inc() }
}

type MetricsDeps = { registry: Registry; sql: Sql; depth: () => number }

/** What is looked at when Prometheus asks: the queue, and the steps that wait. */
export const exportMetrics = ({ registry, sql, depth }: MetricsDeps): void => {
  gauge(registry, {
    name: 'fluxo_pedidos_group_commit_queue',
    help: 'Orders and changes that wait for a group commit.',
    collect() {
      this.set(depth())
    },
  })
  const look = createScrapeQuery(() => countPassos(sql))
  gauge(registry, {
    name: 'fluxo_fluxo_passos',
    help: 'Steps of the automatic flow that are planned.',
    async collect() {
      const passos = await look()
      if (passos !== undefined) this.set(passos.count)
    },
  })
  gauge(registry, {
    name: 'fluxo_fluxo_atraso_seconds',
    help: 'How long the oldest step of the automatic flow has been due.',
    async collect() {
      const passos = await look()
      if (passos !== undefined) this.set(passos.lateSeconds)
    },
  })
}
