import {
  bulkhead,
  ExponentialBackoff,
  handleWhen,
  isBulkheadRejectedError,
  noop,
  retry,
  TimeoutStrategy,
  timeout,
} from 'cockatiel'
import { ifInTime } from '../wait.ts'
import type { Breaker } from './breaker.ts'
import { isRejection, Rejection } from './rejection.ts'

export type PolicyOptions = {
  /** The dependency, as it appears in a `Rejection`. */
  name: string
  /** From the call to the answer, waiting in the queue and all attempts included. */
  deadlineMs: number
  /** Calls at work at once, and calls that may wait for a place; one more is turned away. */
  bulkhead: { max: number; queueMax: number }
  /** Only for what may safely happen twice. The waits between attempts are random up to a bound that doubles. */
  retry?: { attemptsMax: number; baseMs: number; maxMs: number }
  attemptTimeoutMs: number
  breaker?: Breaker
  /** Whether the same call may succeed a moment later. An attempt that timed out counts as such. */
  isTransient: (error: unknown) => boolean
}

export type Policy = {
  readonly name: string
  /**
   * Runs `action` under the policy. `action` must stop, and settle, when its signal aborts: at its timeout, at the
   * deadline, or when the caller's `signal` does.
   * Rejects with what `action` threw last, with a `Rejection`, or with the caller's reason for aborting.
   */
  execute<T>(action: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T>
}

/** `abortOnReturn` would abort the signal of calls that went well, which only costs (4 µs) and confuses listeners. */
const CANCELLING = { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false }

const backoffOf = ({ baseMs, maxMs }: { baseMs: number; maxMs: number }) =>
  new ExponentialBackoff({
    initialDelay: baseMs,
    maxDelay: maxMs,
    generator: (attempts: number | undefined, { initialDelay, maxDelay, exponent }) => {
      const bound = Math.min(maxDelay, initialDelay * exponent ** (attempts ?? 0))
      return [Math.random() * bound, (attempts ?? 0) + 1]
    },
  })

/**
 * One policy for one dependency, made once and shared by all its calls:
 * deadline → bulkhead → retry → breaker (counts every attempt) → timeout of the attempt → `action`.
 *
 * - A full bulkhead is outside the breaker, so that turning callers away never opens the circuit.
 * - Neither a full bulkhead nor an open circuit is retried.
 * - A place in the bulkhead is held until the abandoned work has really ended (one attempt's time longer at most), so
 *   `max` bounds the work and not the waiters.
 * - Timeouts abort a signal that belongs to the one call.
 *
 * @example
 * const policy = createPolicy({
 *   name: 'eventos',
 *   deadlineMs: 5_000,
 *   bulkhead: { max: 4, queueMax: 16 },
 *   retry: { attemptsMax: 3, baseMs: 100, maxMs: 1_000 },
 *   attemptTimeoutMs: 2_000,
 *   isTransient: (error) => error instanceof TypeError,
 * })
 * const response = await policy.execute((signal) => fetch(url, { signal }))
 */
export const createPolicy = (options: PolicyOptions): Policy => {
  const { name, breaker, isTransient, attemptTimeoutMs } = options
  const deadline = timeout(options.deadlineMs, CANCELLING)
  const places = bulkhead(options.bulkhead.max, options.bulkhead.queueMax)
  const attemptTimeout = timeout(attemptTimeoutMs, CANCELLING)
  const isWorthARetry = (error: unknown): boolean =>
    isRejection(error) ? error.reason === 'attempt-timeout' : isTransient(error)
  const retries = options.retry
    ? retry(handleWhen(isWorthARetry), {
        maxAttempts: options.retry.attemptsMax - 1,
        backoff: backoffOf(options.retry),
      })
    : noop

  type Action<T> = (signal: AbortSignal) => Promise<T>

  const attempt = async <T>(action: Action<T>, whole: AbortSignal, running: Set<Promise<unknown>>): Promise<T> => {
    let own: AbortSignal | undefined
    try {
      return await attemptTimeout.execute((_context, signal) => {
        own = signal
        const work = action(signal)
        running.add(work)
        const done = () => running.delete(work)
        work.then(done, done)
        return work
      }, whole)
    } catch (error) {
      // Work that heeds its signal may reject before cockatiel does: what was aborted decides, not whose error came first.
      throw own?.aborted ? new Rejection(name, whole.aborted ? 'deadline' : 'attempt-timeout') : error
    }
  }

  const inBulkhead = <T>(action: Action<T>, whole: AbortSignal, caller?: AbortSignal): Promise<T> => {
    const answer = Promise.withResolvers<T>()
    const work = async () => {
      const running = new Set<Promise<unknown>>()
      const once = () => {
        // cockatiel sleeps through an abort between two attempts and would then call once more.
        whole.throwIfAborted()
        const call = () => attempt(action, whole, running)
        return breaker ? breaker.execute(call, caller) : call()
      }
      await retries.execute(once, whole).then(answer.resolve, answer.reject)
      // Work that ignores its abort must not keep a place for ever.
      if (running.size > 0) await ifInTime(Promise.allSettled(running), attemptTimeoutMs)
    }
    places.execute(work, whole).catch(answer.reject)
    return answer.promise
  }

  return {
    name,
    execute: async (action, caller) => {
      let whole: AbortSignal | undefined
      try {
        return await deadline.execute((_context, signal) => {
          whole = signal
          return inBulkhead(action, signal, caller)
        }, caller)
      } catch (error) {
        if (isBulkheadRejectedError(error)) throw new Rejection(name, 'bulkhead-full')
        if (caller?.aborted) throw caller.reason
        throw whole?.aborted ? new Rejection(name, 'deadline') : error
      }
    },
  }
}
