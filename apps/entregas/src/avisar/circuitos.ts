import { type Breaker, createBreaker } from '@fluxo/shared/resilience/breaker'
import { gauge, type Registry } from '@fluxo/shared/telemetry/metrics'

/** What is known of the health of a webhook's receiver. */
export type Circuito = {
  breaker: Breaker
  /** What came of the last attempt that failed. */
  falha: string
}

type Quem = { webhookId: string; comercianteId: string }

/**
 * One circuit for each webhook, so that a receiver that is down costs a trial now and then and nothing more. Not for each host: many
 * merchants have receivers at one, and what a merchant's receiver does there says nothing of the next one's.
 */
export type Circuitos = { de: (quem: Quem) => Circuito; close: () => void }

/** Webhooks whose health is remembered, and those of one merchant, who has ten at a time; the least lately used is forgotten. */
const CIRCUITOS_MAX = 1_000
const CIRCUITOS_POR_COMERCIANTE_MAX = 16
/** Attempts before a circuit may open, and the share of failures that opens it. */
const TENTATIVAS_MIN = 5
const FALHAS_PORCENTO = 50
/** Failures of this long count together: a slow receiver fails once in 15 s. */
const JANELA_MS = 60_000

export function createCircuitos({
  registry,
  descansoMs,
}: {
  registry: Registry
  /** How long an open circuit rests. */
  descansoMs: number
}): Circuitos {
  const circuitos = new Map<string, Circuito & Quem>()
  // Not by webhook: labels must be bounded.
  gauge(registry, {
    name: 'fluxo_avisos_circuitos',
    help: 'Webhooks by the state of their circuit.',
    labelNames: ['estado'],
    collect() {
      for (const estado of ['closed', 'half-open', 'open']) this.set({ estado }, 0)
      for (const { breaker } of circuitos.values()) this.inc({ estado: breaker.state() })
    },
  })
  const esquecer = (circuito: (Circuito & Quem) | undefined): void => {
    if (circuito === undefined) return
    circuito.breaker.close()
    circuitos.delete(circuito.webhookId)
  }
  const abrir = ({ webhookId, comercianteId }: Quem): Circuito & Quem => {
    const doComerciante = [...circuitos.values()].filter((um) => um.comercianteId === comercianteId)
    if (doComerciante.length >= CIRCUITOS_POR_COMERCIANTE_MAX) esquecer(doComerciante[0])
    else if (circuitos.size >= CIRCUITOS_MAX) esquecer(circuitos.values().next().value)
    const breaker = createBreaker({
      name: webhookId,
      volumeThreshold: TENTATIVAS_MIN,
      errorThresholdPercentage: FALHAS_PORCENTO,
      resetTimeoutMs: descansoMs,
      windowMs: JANELA_MS,
    })
    return { webhookId, comercianteId, breaker, falha: '' }
  }
  return {
    de: (quem) => {
      const circuito = circuitos.get(quem.webhookId) ?? abrir(quem)
      circuitos.delete(quem.webhookId)
      circuitos.set(quem.webhookId, circuito)
      return circuito
    },
    close: () => {
      for (const circuito of [...circuitos.values()]) esquecer(circuito)
    },
  }
}
