import { type Clock, systemClock } from '@fluxo/shared/clock'

/** A pause that can be cut short. */
export type Alarme = {
  tocar: () => void
  /** Waits for a ring, the time, or `signal`. A ring while nobody waits counts for the next wait. */
  esperar: (ms: number, signal?: AbortSignal) => Promise<void>
}

export function createAlarme(clock: Clock = systemClock): Alarme {
  let tocou = false
  let acordar = (): void => {}
  return {
    tocar: () => {
      tocou = true
      acordar()
    },
    esperar: async (ms, signal) => {
      if (!tocou && signal?.aborted !== true) {
        const { promise, resolve } = Promise.withResolvers<void>()
        const parar = (): void => resolve()
        acordar = parar
        const cancelar = clock.after(ms, parar)
        signal?.addEventListener('abort', parar, { once: true })
        await promise
        cancelar()
        signal?.removeEventListener('abort', parar)
      }
      tocou = false
    },
  }
}
