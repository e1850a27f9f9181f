import { histogram, type Registry } from '@fluxo/shared/telemetry/metrics'
import type { Origem, Recebido } from './recebido.ts'

/** Seconds; a loaded system shows an entry within 50 ms, a pull within a few seconds, and a minute is an outage. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/**
 * Makes the function that measures how long entries took from `POST` to being visible: from the event's time to now,
 * after the cache was written. For batches that brought something new: a batch that is merely delivered again was
 * visible before. The two clocks are of two machines, so what they disagree about is part of it, and never below zero.
 */
export function visibilidade(registry: Registry): (recebidos: readonly Recebido[], origem: Origem) => void {
  const durations = histogram(registry, {
    name: 'fluxo_post_to_visible_seconds',
    help: 'From the registration of an entry to its balance being readable, by the path on which it came.',
    labelNames: ['origem'],
    buckets: BUCKETS,
  })
  for (const origem of ['stream', 'feed']) durations.zero({ origem })
  return (recebidos, origem) => {
    const agora = Date.now()
    for (const { lido } of recebidos) {
      if (lido.ok) durations.observe({ origem }, Math.max(0, agora - lido.registradoEm) / 1_000)
    }
  }
}
