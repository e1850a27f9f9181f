import { type Breaker, createBreaker } from '@fluxo/shared/resilience/breaker'
import { gauge, type Registry } from '@fluxo/shared/telemetry/metrics'

/** One circuit for each target (origin of the URL), so that a receiver that is down costs a trial now and then and nothing more. */
export type Circuitos = { do: (url: string) => Breaker; close: () => void }

/** Targets whose health is remembered; the least lately used is forgotten. */
const ALVOS_MAX = 1_000
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
  const circuitos = new Map<string, Breaker>()
  // Not by target: labels must be bounded.
  gauge(registry, {
    name: 'fluxo_avisos_circuitos',
    help: 'Targets of webhooks by the state of their circuit.',
    labelNames: ['estado'],
    collect() {
      for (const estado of ['closed', 'half-open', 'open']) this.set({ estado }, 0)
      for (const circuito of circuitos.values()) this.inc({ estado: circuito.state() })
    },
  })
  return {
    do: (url) => {
      const { origin } = new URL(url)
      const circuito =
        circuitos.get(origin) ??
        createBreaker({
          name: origin,
          volumeThreshold: TENTATIVAS_MIN,
          errorThresholdPercentage: FALHAS_PORCENTO,
          resetTimeoutMs: descansoMs,
          windowMs: JANELA_MS,
        })
      circuitos.delete(origin)
      circuitos.set(origin, circuito)
      const [maisVelho] = circuitos
      if (circuitos.size > ALVOS_MAX && maisVelho !== undefined) {
        maisVelho[1].close()
        circuitos.delete(maisVelho[0])
      }
      return circuito
    },
    close: () => {
      for (const circuito of circuitos.values()) circuito.close()
      circuitos.clear()
    },
  }
}
