import { setTimeout as delay } from 'node:timers/promises'

/**
 * Time and chance, for all code whose steps a simulation must be able to order (`simulation/`).
 *
 * Whoever waits, retries or spreads its moments takes a `clock` among its dependencies; a service never gives one.
 */
export type Clock = {
  /** Milliseconds of a monotonic clock. */
  now(): number
  /** A number in [0, 1). */
  random(): number
  /** Resolves after `ms`; rejects at once when `signal` aborts. */
  delay(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `run` once after `ms`, unless the function that it gives is called before. Keeps the process alive. */
  after(ms: number, run: () => void): () => void
  /** The same for what nobody waits for: it does not keep the process alive. */
  afterUnref(ms: number, run: () => void): () => void
  /** Calls `run` after everything that is ready now, sockets included. */
  soon(run: () => void): () => void
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  random: Math.random,
  delay: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  afterUnref: (ms, run) => {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
  soon: (run) => {
    const immediate = setImmediate(run)
    return () => clearImmediate(immediate)
  },
}
