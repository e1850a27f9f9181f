import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'
import { type Clock, systemClock } from '../clock.ts'
import { invariant } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createSource, createWork } from './consumer-lanes.ts'
import {
  advance,
  type ConsumerEvent,
  initialMachine,
  isFinished,
  LANES,
  nextAction,
  situation,
  started,
} from './consumer-machine.ts'
import { type ConsumerState, consumerMetrics, STATE_LABELS, showState } from './consumer-metrics.ts'
import type { Reading } from './consumer-session.ts'
import { streamKey } from './keys.ts'
import type { Entry } from './reply.ts'

/** Big batches are what makes a consumer fast: 1,000 drain a backlog 15 % faster than 500 do, in a trial, and are still applied in 30 ms. */
const COUNT_MAX = 1_000
/** A finite BLOCK bounds a lost wake-up; two seconds cost half a command per second and idle consumer. */
const BLOCK_MS = 2_000
/** Above the slowest batch: claiming from a consumer that still works is harmless (the inbox dedupes) but does the work twice. */
const CLAIM_IDLE_MS = 30_000
export type ConsumerOptions = {
  /** Opens a new dedicated connection that never reconnects by itself (`RedisConnections.blocking`). */
  blocking: () => Redis
  /** The fail-fast connection, for acks; handed in, never closed here. */
  redis: Redis
  prefix: string
  particao: number
  group: string
  /** Name of this instance in the group; a stable one finds its own pending again after a restart. */
  consumer: string
  countMax?: number | undefined
  blockMs?: number | undefined
  /** Others' entries are taken over when they lie unacked this long. */
  claimIdleMs?: number | undefined
  /** Average pause between two looks for such entries; default a third of `claimIdleMs`. */
  claimEveryMs?: number | undefined
  /**
   * After a read of many entries the next one waits so long for more of them: fewer and bigger batches under load. 0 by default,
   * for those whose readers wait for the result.
   */
  gatherMs?: number | undefined
  /**
   * Applies one batch, positions ascending. Resolves when all of it is durable or dead-lettered: then it is acked. Any rejection means
   * "not now": nothing is acked, the consumer pauses and gives the same batch again. Must be idempotent: delivery is at least once.
   */
  handle: (entries: Entry[]) => Promise<void>
  /**
   * Called with positions whose entries were deleted from the stream while unacknowledged: only the log still has them. A hint:
   * called before the ack, and not waited for.
   */
  onGap: (posicoes: number[]) => void | Promise<void>
  log: Logger
  registry: Registry
  clock?: Clock | undefined
}

export type Consumer = {
  /** Begins reading in the background; returns at once, with Redis there or not. */
  start(): void
  /**
   * Stops reading, finishes and acks what is in hand, leaves the group if nothing is pending. Safe to call twice. Takes as long as the
   * batch in hand; a paused batch is not tried again but left pending for others.
   */
  stop(): Promise<void>
  /** Whether it reads, is paused by its handler, has no Redis, or is not running. */
  state(): ConsumerState
}

/**
 * One consumer of one partition: at least once, in order within a batch, ack last. `consumer-machine.ts` decides; this file acts.
 *
 * @example
 * const consumer = createConsumer({
 *   blocking: redis.blocking,
 *   redis: redis.commands,
 *   prefix: 'fluxo:pedidos',
 *   particao: 0,
 *   group: 'avisos',
 *   consumer: instance,
 *   handle: async (entries) => save(entries), // acknowledged once this resolves
 *   onGap: () => {},
 *   log,
 *   registry,
 * })
 * consumer.start()
 */
export function createConsumer(options: ConsumerOptions): Consumer {
  const { log, clock = systemClock } = options
  const reading = readingOf(options)
  const metrics = consumerMetrics(options.registry, options)
  const { claimEveryMs = reading.claimIdleMs / 3, gatherMs = 0 } = options
  const source = createSource({
    ...options,
    reading,
    metrics,
    onLost: () => dispatch({ type: 'failed', lane: 'source' }),
  })
  const work = createWork({ ...options, reading, metrics })

  let machine = initialMachine()
  let life: 'new' | 'running' | 'over' = 'new'
  let cancel: (() => void) | undefined
  let stopped: Promise<void> | undefined
  const finished = Promise.withResolvers<void>()

  const dispatch = (event: ConsumerEvent, error?: unknown) => {
    const before = situation(machine)
    machine = advance(machine, event, { now: clock.now(), random: clock.random(), claimEveryMs, gatherMs })
    const after = situation(machine)
    if (before !== after && !machine.stopping) logChange(log, reading, after, error)
    pump()
  }
  const pump = () => {
    cancel?.()
    if (life !== 'running') return
    const now = clock.now()
    const waits: number[] = []
    for (const lane of LANES) {
      const action = nextAction(machine, lane, now)
      if (action?.kind === 'wait') waits.push(action.until)
      else if (action !== undefined) {
        machine = started(machine, lane)
        const done = action.kind === 'apply' || action.kind === 'ack' ? work(action) : source.perform(action)
        void done.then(dispatch, (error: unknown) => dispatch({ type: 'failed', lane }, error))
      }
    }
    if (isFinished(machine)) finished.resolve()
    if (waits.length > 0) cancel = clock.after(Math.max(1, Math.ceil(Math.min(...waits) - now)), pump)
  }
  const leave = async () => {
    dispatch({ type: 'stop' })
    await source.interrupt(() => machine.lanes.source.busy)
    await finished.promise
    life = 'over'
    cancel?.()
    await source.leave()
  }
  const state = (): ConsumerState => (life !== 'running' || machine.stopping ? 'stopped' : situation(machine))
  showState(options.registry, options, state)
  return {
    start: () => {
      invariant(stopped === undefined, 'a stopped consumer is not started again')
      if (life !== 'new') return
      life = 'running'
      pump()
    },
    stop: () => {
      stopped ??= life === 'running' ? leave() : Promise.resolve()
      return stopped
    },
    state,
  }
}

function readingOf({ prefix, particao, group, consumer, countMax, blockMs, claimIdleMs }: ConsumerOptions): Reading {
  return {
    key: streamKey(prefix, particao),
    group,
    consumer,
    countMax: countMax ?? COUNT_MAX,
    blockMs: blockMs ?? BLOCK_MS,
    claimIdleMs: claimIdleMs ?? CLAIM_IDLE_MS,
  }
}

/** One line per change, never one per attempt. The error's message and code only: a driver's error may carry what was being written. */
function logChange(log: Logger, { key, group }: Reading, state: ConsumerState, error: unknown): void {
  const failure =
    error instanceof Error ? { erro: error.message, codigo: 'code' in error ? error.code : undefined } : {}
  const line = { stream: key, group, estado: STATE_LABELS[state], ...failure }
  if (state === 'reading') log.info(line, 'consumer reads')
  else log.warn(line, 'consumer cannot go on')
}
