import { type Clock, systemClock } from './clock.ts'

/**
 * Settles as `promise` does, or rejects with `onTimeout()` after `timeoutMs`.
 *
 * For work that cannot be cancelled and costs microseconds, such as a command already written to Redis: one timer and
 * no signal, 1–2 µs where cockatiel's timeout takes 10. Work that goes on behind an abandoned promise must be harmless;
 * what can be cancelled belongs under `createPolicy`, whose timeouts abort.
 */
export const withTimeout = <T>(
  promise: Promise<T>,
  timeoutMs: number,
  onTimeout: () => Error,
  clock: Clock = systemClock,
): Promise<T> =>
  new Promise((resolve, reject) => {
    let cancelOverdue: (() => void) | undefined
    // Timers come before sockets in a turn of the event loop: after a pause of this process, a reply that has been there
    // for long is read first and still counts.
    const cancelTimer = clock.after(timeoutMs, () => {
      cancelOverdue = clock.soon(() => reject(onTimeout()))
    })
    const stop = () => {
      cancelTimer()
      cancelOverdue?.()
    }
    promise.then(
      (value) => {
        stop()
        resolve(value)
      },
      (error: unknown) => {
        stop()
        reject(error)
      },
    )
  })

/** The same for what one can do without: `undefined` where it fails, or takes longer than `timeoutMs`. */
export const ifInTime = <T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> =>
  withTimeout(promise, timeoutMs, () => new Error('late')).catch(() => undefined)

/** A pause that can be cut short. */
export type Alarm = {
  ring: () => void
  /** Waits for a ring, the time, or `signal`. A ring while nobody waits counts for the next wait. */
  wait: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Makes an alarm for one who waits. */
export function createAlarm(clock: Clock = systemClock): Alarm {
  let rung = false
  let wake = (): void => {}
  return {
    ring: () => {
      rung = true
      wake()
    },
    wait: async (ms, signal) => {
      if (!rung && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        const end = (): void => resolve()
        wake = end
        const cancel = clock.after(ms, end)
        signal.addEventListener('abort', end, { once: true })
        await promise
        cancel()
        signal.removeEventListener('abort', end)
      }
      rung = false
    },
  }
}
