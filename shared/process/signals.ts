import type { Logger } from '../telemetry/logger.ts'

/** An uncaught error leaves unknown state behind: the process stops, and ends after this long even if that is not done. */
const FATAL_STOP_MS = 3000
/** What a shell reports for a process that a signal ended: 128 + its number. */
const EXIT_CODE = { SIGINT: 130, SIGTERM: 143 } as const
type Signal = keyof typeof EXIT_CODE

/**
 * Ends the process well: the first SIGTERM or SIGINT stops gracefully and exits 0 (1 where something did not close), the second
 * exits at once. An uncaught error or rejection is logged as fatal, followed by a bounded stop and exit 1.
 *
 * Returns what removes the handlers of uncaught errors; those of signals stay, for the second one.
 */
export function handleSignals({ stop, log }: { stop: () => Promise<void>; log: Logger }): () => void {
  let leaving = false
  const onSignal = (signal: Signal): void => {
    if (leaving) process.exit(EXIT_CODE[signal])
    leaving = true
    log.info({ signal }, 'signal received')
    void stop().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  const onFatal = (error: unknown): void => {
    log.fatal({ err: error }, 'uncaught error')
    setTimeout(() => process.exit(1), FATAL_STOP_MS).unref()
    void stop()
      .catch(() => undefined)
      .then(() => process.exit(1))
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  process.on('uncaughtException', onFatal).on('unhandledRejection', onFatal)
  return () => {
    process.off('uncaughtException', onFatal).off('unhandledRejection', onFatal)
  }
}
