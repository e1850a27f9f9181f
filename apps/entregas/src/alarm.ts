import { type Clock, systemClock } from '@fluxo/shared/clock'

/** A pause that can be cut short. */
export type Alarm = {
  ring: () => void
  /** Waits for a ring, the time, or `signal`. A ring while nobody waits counts for the next wait. */
  wait: (ms: number, signal?: AbortSignal) => Promise<void>
}

export function createAlarm(clock: Clock = systemClock): Alarm {
  let rang = false
  let wakeUp = (): void => {}
  return {
    ring: () => {
      rang = true
      wakeUp()
    },
    wait: async (ms, signal) => {
      if (!rang && signal?.aborted !== true) {
        const { promise, resolve } = Promise.withResolvers<void>()
        const stop = (): void => resolve()
        wakeUp = stop
        const cancel = clock.after(ms, stop)
        signal?.addEventListener('abort', stop, { once: true })
        await promise
        cancel()
        signal?.removeEventListener('abort', stop)
      }
      rang = false
    },
  }
}
