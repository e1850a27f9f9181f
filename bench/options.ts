import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** Every row, in the order in which it is measured and printed. */
export const ROW_NAMES = [
  'post-16',
  'post-64',
  'post-256',
  'post-batch',
  'post-64-followed',
  'post-traced',
  'csv-import',
  'get-cached',
  'get-uncached',
  'lag-200',
  'lag-1000',
  'drain-1',
  'drain-2',
  'rebuild',
  'bytes-per-entry',
  'post-orders-64',
  'transitions',
  'flow',
  'order-latency',
  'sse-1000',
  'webhooks',
] as const
export type RowName = (typeof ROW_NAMES)[number]

/** Rows that the run's minutes have no room for: measured where they are named, and with `--full`. */
const WHEN_ASKED: ReadonlySet<RowName> = new Set(['post-traced'])

export type BenchOptions = {
  only: ReadonlySet<RowName>
  json: string | undefined
  /** Another checkout, whose bench takes turns with this one's; `samples` are the rounds. */
  against: string | undefined
  /** Length of every sample, in place of each row's own. */
  seconds: number | undefined
  samples: number
  /** Entries of the backlog and of the rebuild. */
  entries: number
  /** Lines of one imported file. */
  lines: number
  full: boolean
  /** Folder for CPU profiles of the services; `undefined` without `--prof`. */
  prof: string | undefined
  /** Entries without `referencia` and `Idempotency-Key`. */
  plain: boolean
  /** Where the temporary folder is made; its disk is what `fsync` is measured on. */
  dir: string | undefined
}

/** A wrong call: shown as one sentence, exit code 2. */
export class UsageError extends Error {}

/** Enough for a sample to last several seconds at the rates in question. */
const ENTRIES_DEFAULT = 200_000
const LINES_DEFAULT = 200_000
const LINES_FULL = 1_000_000
/** An even number has no middle sample; three fit into the run's minutes. */
const SAMPLES_DEFAULT = 3

const ARGUMENTS = {
  only: { type: 'string' },
  against: { type: 'string' },
  json: { type: 'string' },
  seconds: { type: 'string' },
  samples: { type: 'string' },
  entries: { type: 'string' },
  lines: { type: 'string' },
  dir: { type: 'string' },
  full: { type: 'boolean', default: false },
  plain: { type: 'boolean', default: false },
  prof: { type: 'boolean', default: false },
} as const

const isRow = (name: string): name is RowName => (ROW_NAMES as readonly string[]).includes(name)

const rowsOf = (only: string | undefined, full: boolean): ReadonlySet<RowName> => {
  const usual = ROW_NAMES.filter((name) => full || !WHEN_ASKED.has(name))
  const names = only?.split(/[\s,]+/).filter((name) => name !== '') ?? usual
  const unknown = names.filter((name) => !isRow(name))
  if (unknown.length > 0 || names.length === 0) {
    throw new UsageError(`unknown row ${unknown.join(', ')}; known: ${ROW_NAMES.join(', ')}`)
  }
  return new Set(names.filter(isRow))
}

const number = (name: string, text: string | undefined, min: number, max: number): number | undefined => {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(value >= min && value <= max)) throw new UsageError(`--${name} takes a number from ${min} to ${max}`)
  return value
}

/** Reads the command line; paths are relative to where the user stands. Throws `UsageError`. */
export const parseOptions = (argv: readonly string[], profFolder: string): BenchOptions => {
  const read = () => {
    try {
      return parseArgs({ args: [...argv], options: ARGUMENTS, strict: true }).values
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error))
    }
  }
  const values = read()
  const here = (path: string) => resolve(process.env['INIT_CWD'] ?? process.cwd(), path)
  return {
    only: rowsOf(values.only, values.full),
    json: values.json === undefined ? undefined : here(values.json),
    against: values.against === undefined ? undefined : here(values.against),
    seconds: number('seconds', values.seconds, 0.5, 600),
    samples: number('samples', values.samples, 1, 99) ?? SAMPLES_DEFAULT,
    entries: number('entries', values.entries, 1_000, 10_000_000) ?? ENTRIES_DEFAULT,
    lines: number('lines', values.lines, 1_000, 10_000_000) ?? (values.full ? LINES_FULL : LINES_DEFAULT),
    full: values.full,
    prof: values.prof ? profFolder : undefined,
    plain: values.plain,
    dir: values.dir === undefined ? undefined : here(values.dir),
  }
}
