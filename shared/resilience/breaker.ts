import CircuitBreaker from 'opossum'
import { Counter, Gauge, type Registry } from 'prom-client'
import { Rejection } from './rejection.ts'

type BreakerState = 'closed' | 'half-open' | 'open'

export type BreakerOptions = {
  /** The dependency, unique within the process: a label of the metrics. */
  name: string
  /** Calls within the window below which the circuit never opens. opossum's own default, 0, opens at the first failure. */
  volumeThreshold: number
  /** The circuit opens when more than this share of the window's calls failed. */
  errorThresholdPercentage: number
  /** How long an open circuit waits before it lets one trial call through. */
  resetTimeoutMs: number
  /** Length of the statistical window. */
  windowMs?: number
  registry?: Registry
  /** Whether an error speaks of the dependency's health. By default all do; a refused row, for one, does not. */
  isFailure?: (error: unknown) => boolean
}

export type Breaker = {
  readonly name: string
  /**
   * Runs `action` unless the circuit is open, in which case it rejects with `Rejection('circuit-open')` at once.
   * `action` must settle in finite time (a timeout belongs inside it): a trial that hangs would keep the circuit half
   * open for ever. Errors after `signal` was aborted by the caller say nothing about the dependency and do not count.
   */
  execute<T>(action: () => Promise<T>, signal?: AbortSignal): Promise<T>
  state(): BreakerState
  /** Ends opossum's timers. */
  close(): void
}

const WINDOW_MS = 10_000
const WINDOW_BUCKETS = 10
const STATE_VALUE: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 }
const EVENTS = ['fire', 'success', 'failure', 'reject', 'open', 'halfOpen', 'close'] as const

type Exported = { name: string; state: () => BreakerState; calls: Record<(typeof EVENTS)[number], number> }

const exportedBy = new WeakMap<Registry, Set<Exported>>()

/** opossum-prometheus would bring a second prom-client, so the two metrics are read from plain numbers at each scrape. */
const exportMetrics = (registry: Registry): Set<Exported> => {
  const known = exportedBy.get(registry)
  if (known) return known
  const breakers = new Set<Exported>()
  exportedBy.set(registry, breakers)
  new Gauge({
    name: 'fluxo_breaker_state',
    help: 'State of the circuit: 0 closed, 1 half-open, 2 open',
    labelNames: ['name'],
    registers: [registry],
    collect() {
      this.reset()
      for (const breaker of breakers) this.set({ name: breaker.name }, STATE_VALUE[breaker.state()])
    },
  })
  new Counter({
    name: 'fluxo_breaker_calls_total',
    help: 'What the circuit breaker saw',
    labelNames: ['name', 'event'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name, calls } of breakers) for (const event of EVENTS) this.inc({ name, event }, calls[event])
    },
  })
  return breakers
}

const stateOf = (circuit: { opened: boolean; halfOpen: boolean }): BreakerState => {
  if (circuit.opened) return 'open'
  return circuit.halfOpen ? 'half-open' : 'closed'
}

const isOpenError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EOPENBREAKER' || error.code === 'ESHUTDOWN')

/**
 * The circuit breaker of one dependency, over opossum: make it once and share it, a breaker per call never opens.
 *
 * Used without opossum's own timeout, capacity and abort controller: the first does not cancel, the second counts its
 * rejections as failures, and the third is one per breaker, so that one slow call aborts the others. Timeouts and
 * bulkheads are cockatiel's (`createPolicy`). One call costs 1.5 µs.
 */
export const createBreaker = (options: BreakerOptions): Breaker => {
  const { name, registry, isFailure = () => true } = options
  const retryAfterSeconds = Math.max(1, Math.ceil(options.resetTimeoutMs / 1000))
  const circuit: CircuitBreaker<[() => Promise<unknown>, AbortSignal?]> = new CircuitBreaker(
    (action: () => Promise<unknown>) => action(),
    {
      name,
      timeout: false,
      volumeThreshold: options.volumeThreshold,
      errorThresholdPercentage: options.errorThresholdPercentage,
      resetTimeout: options.resetTimeoutMs,
      rollingCountTimeout: options.windowMs ?? WINDOW_MS,
      rollingCountBuckets: WINDOW_BUCKETS,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      // opossum reports a filtered error as a success, and a success closes a half-open circuit: an abandoned trial
      // proves nothing, so it counts as failed there.
      errorFilter: (error: unknown, _action?: unknown, signal?: AbortSignal) =>
        (signal?.aborted === true && !circuit.halfOpen) || !isFailure(error),
    },
  )
  const exported: Exported = {
    name,
    state: () => stateOf(circuit),
    calls: { fire: 0, success: 0, failure: 0, reject: 0, open: 0, halfOpen: 0, close: 0 },
  }
  for (const event of EVENTS) {
    circuit.on(event as 'fire', () => {
      exported.calls[event] += 1
    })
  }
  const metrics = registry && exportMetrics(registry)
  metrics?.add(exported)

  return {
    name,
    state: exported.state,
    execute: async <T>(action: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
      try {
        return (await circuit.fire(action, signal)) as T
      } catch (error) {
        throw isOpenError(error) ? new Rejection(name, 'circuit-open', retryAfterSeconds) : error
      }
    },
    close: () => {
      metrics?.delete(exported)
      circuit.shutdown()
    },
  }
}
