import type { Logger } from '@fluxo/shared/telemetry/logger'
import { gauge, type Registry } from '@fluxo/shared/telemetry/metrics'

/**
 * The projection of a partition stands still: the log is another one than the projection was made from.
 *
 * Neither poison nor an outage: nothing is applied, acked or dead-lettered until a rebuild, and then it goes on by itself.
 */
class ProjecaoDivergente extends Error {
  readonly particao: number

  constructor(particao: number, motivo: string) {
    super(`partition ${particao} stands still (${motivo}): run \`npm run consolidado:rebuild\``)
    this.name = 'ProjecaoDivergente'
    this.particao = particao
  }
}

export type Divergencias = {
  /** Notes that the partition stands still, and gives the error to throw. One log line per change. */
  parou(particao: number, motivo: string): ProjecaoDivergente
  /** Notes that the partition moves. */
  andou(particao: number): void
}

/** Keeps the metric `fluxo_inbox_epoca_divergente` and the log in step with which partitions stand still. */
export function createDivergencias({ log, registry }: { log: Logger; registry: Registry }): Divergencias {
  const paradas = new Map<number, string>()
  const metrica = gauge(registry, {
    name: 'fluxo_inbox_epoca_divergente',
    help: '1 while a partition stands still because the log is another one: rebuild.',
    labelNames: ['particao'],
  })
  return {
    parou: (particao, motivo) => {
      const erro = new ProjecaoDivergente(particao, motivo)
      if (paradas.get(particao) !== motivo) log.error({ particao, motivo }, erro.message)
      paradas.set(particao, motivo)
      metrica.set({ particao: String(particao) }, 1)
      return erro
    },
    andou: (particao) => {
      if (!paradas.has(particao)) return
      paradas.delete(particao)
      metrica.set({ particao: String(particao) }, 0)
      log.info({ particao }, 'the projection of the partition goes on')
    },
  }
}
