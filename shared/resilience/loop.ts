import { type Clock, systemClock } from '../clock.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createAlarm } from '../wait.ts'
import { backoffMs, type Pauses } from './backoff.ts'

type LoopOptions = {
  /** One turn, with the pause that follows it. Calls `well` once its work is done: what failed before it is over. */
  turn: (well: () => void) => Promise<void>
  /** Ends the loop, and the turn in hand. */
  signal: AbortSignal
  /** The log lines of the first failure in a row, and of the first turn that is well again. */
  says: { failing: string; well: string }
  /** The fields of both. */
  about?: object | undefined
  pauses?: Pauses | undefined
  log: Logger
  clock?: Clock | undefined
}

/**
 * Takes one turn after another until `signal` aborts. After a turn that rejects it pauses, longer each time; of many failures in a row
 * only the first is logged. Never rejects.
 *
 * @example
 * loop({
 *   turn: async (well) => {
 *     await sendWhatIsDue()
 *     well()
 *     await clock.delay(pollMs, signal)
 *   },
 *   signal,
 *   says: { failing: 'nothing is sent for now', well: 'sending goes on' },
 *   log,
 * })
 */
export async function loop(options: LoopOptions): Promise<void> {
  const { turn, signal, says, about, pauses, log, clock = systemClock } = options
  let failures = 0
  const well = (): void => {
    if (failures > 0) log.info({ ...about }, says.well)
    failures = 0
  }
  while (!signal.aborted) {
    try {
      await turn(well)
    } catch (error) {
      if (signal.aborted) return
      failures += 1
      if (failures === 1) log.warn({ ...about, err: error }, says.failing)
      await clock.delay(backoffMs(failures, clock.random(), pauses), signal).catch(() => {})
    }
  }
}

type WokenLoopOptions = Omit<LoopOptions, 'turn' | 'signal'> & {
  /** `rest` pauses for `ms` at most; `wake` ends it. */
  turn: (well: () => void, rest: (ms: number) => Promise<void>, signal: AbortSignal) => Promise<void>
}

/**
 * A loop that others start, wake and stop, such as one that takes the rows that are due. `wake` is a hint; a call while nobody rests
 * counts for the next rest. `stop` ends after the turn in hand.
 */
export function createWokenLoop({ turn, ...options }: WokenLoopOptions) {
  const stopping = new AbortController()
  const { signal } = stopping
  const alarm = createAlarm(options.clock)
  const rest = (ms: number): Promise<void> => alarm.wait(ms, signal)
  let running: Promise<void> | undefined
  return {
    start: (): void => {
      running ??= loop({ ...options, signal, turn: (well) => turn(well, rest, signal) })
    },
    wake: alarm.ring,
    stop: async (): Promise<void> => {
      stopping.abort()
      await running
    },
  }
}
