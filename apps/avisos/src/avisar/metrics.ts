import type { Sql } from '@fluxo/shared/postgres/sql'
import { counter, gauge, histogram, type Registry } from '@fluxo/shared/telemetry/metrics'
import { createScrapeQuery } from '@fluxo/shared/telemetry/scrape-query'
import { type AvisoEnding, countAvisos } from './aviso-store.ts'

/** What is counted of the attempts. */
export function avisoMetrics(registry: Registry, underWay: () => number) {
  const tentativas = counter(registry, {
    name: 'fluxo_avisos_tentativas_total',
    help: 'Attempts to deliver a webhook, by what the delivery came to: pending is a failure that is tried again, held was given back untried.',
    labelNames: ['situacao'],
  })
  const duration = histogram(registry, {
    name: 'fluxo_avisos_tentativa_seconds',
    help: 'From the beginning of an attempt to the end of its answer.',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
  })
  gauge(registry, {
    name: 'fluxo_avisos_em_voo',
    help: 'Attempts of this instance under way.',
    collect() {
      this.set(underWay())
    },
  })
  return {
    observe: (ending: AvisoEnding) => {
      const { devolver, situacao: avisoStatus } = ending
      tentativas.inc({ situacao: devolver && avisoStatus === 'pending' ? 'held' : avisoStatus })
      if (!ending.devolver) duration.observe(ending.durationMs / 1_000)
    },
  }
}

/** What is looked at when Prometheus asks: the deliveries that wait. */
export function exportAvisoQueue(registry: Registry, sql: Sql): void {
  const look = createScrapeQuery(() => countAvisos(sql))
  gauge(registry, {
    name: 'fluxo_avisos_pendentes',
    help: 'Deliveries of webhooks that are not done, retries that wait included.',
    async collect() {
      const avisos = await look()
      if (avisos !== undefined) this.set(avisos.count)
    },
  })
  gauge(registry, {
    name: 'fluxo_avisos_atraso_seconds',
    help: 'How long the oldest delivery of a webhook has been due.',
    async collect() {
      const avisos = await look()
      if (avisos !== undefined) this.set(avisos.lateSeconds)
    },
  })
  gauge(registry, {
    name: 'fluxo_avisos_webhooks_desativados',
    help: 'Webhooks that were disabled, by a 410 or by 5 days of failures, and neither resumed nor removed.',
    async collect() {
      const avisos = await look()
      if (avisos !== undefined) this.set(avisos.disabled)
    },
  })
}
