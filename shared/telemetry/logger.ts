import { type DestinationStream, destination, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/** Characters gathered before a write: one system call for some 40 lines instead of one each. */
const BATCH_CHARS = 8192
/** A quiet process still shows its lines within this time. */
const FLUSH_EVERY_MS = 200

/** Never in a log: credentials, and what a merchant wrote about its business. */
const REDACTED = ['authorization', 'token', 'senha', 'secret', 'descricao', 'headers.authorization', 'headers.cookie']

/** Takes the lines of a logger. */
export type LogStream = DestinationStream

type LoggerOptions = { service: string; level?: string; stream?: LogStream | undefined }

/**
 * The process's logger: one JSON line per event on stdout, `service` on each.
 *
 * Lines are written asynchronously and flushed at exit (also by `process.exit`). `stream` replaces stdout in tests.
 */
export function createLogger({ service, level = 'info', stream = sharedStdout() }: LoggerOptions): Logger {
  const logger = pino(
    {
      level,
      base: { service },
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError },
      redact: { paths: REDACTED, censor: '[oculto]' },
    },
    stream,
  )
  known.set(logger, { service, stream })
  return logger
}

const known = new WeakMap<Logger, { service: string; stream: DestinationStream }>()

/** Where a logger of `createLogger` writes, for lines that are made by hand (`access-log.ts`); `undefined` for any other. */
export const linesOf = (log: Logger) => known.get(log)

/** Stdout belongs to the process: its loggers share one batch, one timer and one flush at exit. */
let stdout: DestinationStream | undefined
function sharedStdout(): DestinationStream {
  stdout ??= batchedStdout()
  return stdout
}

/**
 * Gathers lines before pino's own buffered stdout, which measures its whole buffer again for each line: 2.2 µs a line there,
 * 0.3 µs here. Errors of that stream are its own affair (a closed pipe ends logging, never the process).
 */
function batchedStdout(): DestinationStream {
  const output = destination({ fd: 1, sync: false })
  let pending = ''
  const pass = (): void => {
    if (pending !== '') output.write(pending)
    pending = ''
  }
  setInterval(pass, FLUSH_EVERY_MS).unref()
  process.on('exit', () => {
    pass()
    output.flushSync()
  })
  return {
    write(line) {
      pending += line
      if (pending.length > BATCH_CHARS) pass()
    },
  }
}

/** Levels of `cause` that are worth showing. */
const CAUSES_MAX = 4
/** Characters of a message or of a stack: enough to find the line, too few to be a dump. */
const MESSAGE_CHARS_MAX = 500
const STACK_CHARS_MAX = 4000

/**
 * An error as it may be logged: type, code, the name of the statement that failed, message, stack and causes, and
 * nothing else.
 *
 * Database errors carry parameters and details with the merchant's values: PostgreSQL's in `detail` and `parameters`, which
 * are left out; Drizzle's in the message, which is replaced.
 */
export function serializeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error).slice(0, MESSAGE_CHARS_MAX) }
  const message = messageOf(error)
  const frames = error.stack?.slice(Math.max(0, error.stack.indexOf('\n    at '))) ?? ''
  return {
    type: error.name,
    ...('code' in error && { code: error.code }),
    ...('statement' in error && { statement: error.statement }),
    message,
    stack: frames.slice(0, STACK_CHARS_MAX),
    ...(error.cause !== undefined && depth < CAUSES_MAX && { cause: serializeError(error.cause, depth + 1) }),
    ...(error instanceof AggregateError && {
      errors: error.errors.slice(0, CAUSES_MAX).map((inner) => serializeError(inner, CAUSES_MAX)),
    }),
  }
}

const messageOf = (error: Error): string =>
  ('query' in error && 'params' in error ? `failed query: ${String(error.query)}` : error.message).slice(
    0,
    MESSAGE_CHARS_MAX,
  )
