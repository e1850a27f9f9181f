/** A terminal, npm and our own launcher each pass on the same Ctrl-C: signals this close together are one press. */
const SAME_PRESS_MS = 1_000
/** An uncaught error leaves unknown state behind: the servers still get this long to be closed in order. */
const FATAL_STOP_MS = 5_000
/** Longer than the drain of a request in flight and the fast shutdown of PostgreSQL take. */
const STOP_DEADLINE_MS = 20_000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export type Leaving = {
  /** Registers how to close what was just opened; closing goes in reverse. */
  opened: (close: () => Promise<void>) => void
  /** Throws where leaving has begun or a failure is known: called between the steps of a start. */
  check: () => void
  /** Closes everything once. */
  close: () => Promise<void>
  /** Ends the process for a reason that it can tell in a sentence: `asked` rejects with it. */
  fail: (error: Error) => void
  /** Resolves when the first signal arrives, or the launcher is gone. */
  asked: Promise<void>
}

/**
 * Ends the process in order at the first signal and at once at the second.
 *
 * Takes the signals over: what is composed into this process must not end it by itself. At a forced end the servers still get their
 * signal, from the handlers that `startPostgres` and `startRedis` leave on `exit`.
 */
export const createLeaving = ({ say }: { say: (line: string) => void }): Leaving => {
  const closers: (() => Promise<void>)[] = []
  let firstAt: number | undefined
  let failure: Error | undefined
  let closing: Promise<void> | undefined
  const asked = Promise.withResolvers<void>()
  const onSignal = () => {
    const now = performance.now()
    if (firstAt === undefined) {
      firstAt = now
      say('stopping (Ctrl-C again to force)')
      setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref()
      asked.resolve()
    } else if (now - firstAt > SAME_PRESS_MS) process.exit(130)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  // The launcher waits for us as long as it lives: it was killed, and nobody would end us.
  process.on('disconnect', onSignal)
  // Whoever waits for it later hears of a failure that came before.
  asked.promise.catch(() => {})

  const onFatal = (error: unknown) => {
    say(`uncaught: ${error instanceof Error ? error.stack : String(error)}`)
    setTimeout(() => process.exit(1), FATAL_STOP_MS).unref()
    void close().then(() => process.exit(1))
  }
  process.on('uncaughtException', onFatal).on('unhandledRejection', onFatal)

  const closeAll = async () => {
    for (let close = closers.pop(); close; close = closers.pop()) {
      await close().catch((error: unknown) => say(`did not close: ${String(error)}`))
    }
  }
  const close = () => {
    closing ??= closeAll()
    return closing
  }
  return {
    opened: (close) => {
      closers.push(close)
    },
    fail: (error) => {
      failure ??= error
      asked.reject(error)
    },
    check: () => {
      if (failure !== undefined) throw failure
      if (firstAt !== undefined) throw new Error('stopped while starting')
    },
    close,
    asked: asked.promise,
  }
}
