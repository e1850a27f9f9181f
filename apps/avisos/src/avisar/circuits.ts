import { type Breaker, createBreaker } from '@fluxo/shared/resilience/breaker'
import { gauge, type Registry } from '@fluxo/shared/telemetry/metrics'

/** What is known of the health of a webhook's receiver. */
export type Circuit = {
  breaker: Breaker
  /** What came of the last attempt that failed. */
  failure: string
}

type Holder = { webhookId: string; comercianteId: string }

/**
 * One circuit for each webhook, so that a receiver that is down costs a trial now and then and nothing more. Not for each host: many
 * merchants have receivers at one, and what a merchant's receiver does there says nothing of the next one's.
 */
export type Circuits = { of: (who: Holder) => Circuit; close: () => void }

/** Webhooks whose health is remembered, and those of one merchant, who has ten at a time; the least lately used is forgotten. */
const CIRCUITS_MAX = 1_000
const COMERCIANTE_CIRCUITS_MAX = 16
/** Attempts before a circuit may open, and the share of failures that opens it. */
const TENTATIVAS_MIN = 5
const FAILURES_PERCENT = 50
/** Failures of this long count together: a slow receiver fails once in 15 s. */
const WINDOW_MS = 60_000

export function createCircuits({
  registry,
  restMs,
}: {
  registry: Registry
  /** How long an open circuit rests. */
  restMs: number
}): Circuits {
  const circuits = new Map<string, Circuit & Holder>()
  // Not by webhook: labels must be bounded.
  gauge(registry, {
    name: 'fluxo_avisos_circuitos',
    help: 'Webhooks by the state of their circuit.',
    labelNames: ['estado'],
    collect() {
      for (const state of ['closed', 'half-open', 'open']) this.set({ estado: state }, 0)
      for (const { breaker } of circuits.values()) this.inc({ estado: breaker.state() })
    },
  })
  const forget = (circuit: (Circuit & Holder) | undefined): void => {
    if (circuit === undefined) return
    circuit.breaker.close()
    circuits.delete(circuit.webhookId)
  }
  const open = ({ webhookId, comercianteId }: Holder): Circuit & Holder => {
    const ofComerciante = [...circuits.values()].filter((one) => one.comercianteId === comercianteId)
    if (ofComerciante.length >= COMERCIANTE_CIRCUITS_MAX) forget(ofComerciante[0])
    else if (circuits.size >= CIRCUITS_MAX) forget(circuits.values().next().value)
    const breaker = createBreaker({
      name: webhookId,
      volumeThreshold: TENTATIVAS_MIN,
      errorThresholdPercentage: FAILURES_PERCENT,
      resetTimeoutMs: restMs,
      windowMs: WINDOW_MS,
    })
    return { webhookId, comercianteId, breaker, failure: '' }
  }
  return {
    of: (who) => {
      const circuit = circuits.get(who.webhookId) ?? open(who)
      circuits.delete(who.webhookId)
      circuits.set(who.webhookId, circuit)
      return circuit
    },
    close: () => {
      for (const circuit of [...circuits.values()]) forget(circuit)
    },
  }
}
