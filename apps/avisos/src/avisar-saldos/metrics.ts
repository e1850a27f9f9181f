import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'
import { gauge, type Registry } from '@fluxo/shared/telemetry/metrics'
import { createScrapeQuery } from '@fluxo/shared/telemetry/scrape-query'
import { LANCAMENTO_REGISTRADO, SALDO_ALTERADO } from '../notar/tipos.ts'

const LATENESS = statement(
  'books.lateness',
  `select greatest(0, coalesce(extract(epoch from now() - (select min(notado_em) from lancamento_a_avisar)), 0))::float8 as entries,
     greatest(0, coalesce(extract(epoch from now() - (select min(vence_em) from dia_a_avisar)), 0))::float8 as days`,
)

/** What is looked at when Prometheus asks: the entries and days that wait to be told. */
export function exportBooksLateness(registry: Registry, sql: Sql): void {
  const look = createScrapeQuery(async () => (await run<{ entries: number; days: number }>(sql, LATENESS))[0])
  gauge(registry, {
    name: 'fluxo_avisos_contas_atraso_seconds',
    help: 'How long the oldest entry has waited for its lot, and the oldest day has been due.',
    labelNames: ['tipo'],
    async collect() {
      const late = await look()
      if (late === undefined) return
      this.set({ tipo: LANCAMENTO_REGISTRADO }, late.entries)
      this.set({ tipo: SALDO_ALTERADO }, late.days)
    },
  })
}
