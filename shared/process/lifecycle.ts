import type { Logger } from '../telemetry/logger.ts'
import { withTimeout } from '../wait.ts'

export type Lifecycle = {
  /** Registers how to close what was just opened. Closing happens in reverse order of registration. */
  defer(name: string, close: () => Promise<void> | void): void
  /** Closes everything once, however often it is called; rejects with an `AggregateError` where something did not close. */
  stop(): Promise<void>
}

/** What is still open when the deadline has passed gets at least this long, so that connections to a database end in order. */
const LAST_CHANCE_MS = 250

/**
 * Who opens, closes: in reverse, and never for longer than `deadlineMs` altogether.
 *
 * One that fails or hangs is logged, and the others are closed all the same.
 */
export function createLifecycle({ log, deadlineMs }: { log: Logger; deadlineMs: number }): Lifecycle {
  const closers: { name: string; close: () => Promise<void> | void }[] = []
  let stopping: Promise<void> | undefined

  const closeAll = async (): Promise<void> => {
    const deadline = performance.now() + deadlineMs
    const errors: unknown[] = []
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
      const timeoutMs = Math.max(LAST_CHANCE_MS, deadline - performance.now())
      try {
        await within(closer.close, closer.name, timeoutMs)
      } catch (error) {
        log.error({ err: error, room: closer.name }, 'did not close')
        errors.push(error)
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'the process did not stop cleanly')
  }

  return {
    defer: (name, close) => {
      closers.push({ name, close })
    },
    stop: () => {
      stopping ??= closeAll()
      return stopping
    },
  }
}

const within = (close: () => Promise<void> | void, name: string, timeoutMs: number): Promise<void> =>
  withTimeout(
    Promise.try(close),
    timeoutMs,
    () => new Error(`${name} did not close within ${Math.round(timeoutMs)} ms`),
  )
