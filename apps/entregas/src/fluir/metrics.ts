import type { Sql } from '@fluxo/shared/postgres/sql'
import { gauge, type Registry } from '@fluxo/shared/telemetry/metrics'
import { createScrapeQuery } from '@fluxo/shared/telemetry/scrape-query'
import { countPassos } from './passo-store.ts'

/** What is looked at when Prometheus asks: the steps that wait. */
export const exportFlowMetrics = ({ registry, sql }: { registry: Registry; sql: Sql }): void => {
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
