import { codeOf } from './failure.ts'

/**
 * SQLSTATE classes that speak of the data in the statement: 22 data exception, 23 integrity constraint violation.
 *
 * Everything else (outages, and a missing grant or table as well) would fail for every row, so it is never poison:
 * a forgotten migration must not make dead letters of all entries of a day.
 */
const POISON_CLASSES = new Set(['22', '23'])

/** Our own code cannot turn a row into what is to be written: an exception before anything was sent. */
class Inconvertible extends Error {
  constructor(cause: unknown) {
    super(`the effect throws ${cause instanceof Error ? cause.name : typeof cause}`, { cause })
    this.name = 'Inconvertible'
  }
}

/** Runs code of ours that has no I/O: whatever it throws, it would throw again for the same row. */
export function converting<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new Inconvertible(error)
  }
}

/**
 * True where the same rows would fail for ever, and others would not. An exception that is neither (a driver's TypeError, say)
 * may come from anywhere, so it is none.
 */
export const isPoison = (error: unknown): boolean =>
  error instanceof Inconvertible || POISON_CLASSES.has(codeOf(error)?.slice(0, 2) ?? '')

/** Why a row cannot be applied. What the database says may quote the row, so only its code is told. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error)
  if (code !== undefined) return `SQLSTATE ${code}`
  return error instanceof Error ? error.message : String(error)
}

/** What became of some of the rows: they were done together, or one of them alone is at fault. */
type Part<Row, Done> = { outcome: 'done'; done: Done } | { outcome: 'at-fault'; row: Row; error: unknown }

/**
 * Does `work` on rows, halving them where it fails because of one of them, so that this one stays alone.
 *
 * Gives the parts in the order of the rows. Any other error is thrown; parts that were done before stay done.
 */
export async function halving<Row, Done>(
  rows: readonly Row[],
  work: (rows: readonly Row[]) => Promise<Done>,
  isAtFault: (error: unknown) => boolean,
): Promise<Part<Row, Done>[]> {
  const [first] = rows
  if (first === undefined) return []
  try {
    return [{ outcome: 'done', done: await work(rows) }]
  } catch (error) {
    if (!isAtFault(error)) throw error
    if (rows.length === 1) return [{ outcome: 'at-fault', row: first, error }]
  }
  const middle = rows.length >> 1
  const left = await halving(rows.slice(0, middle), work, isAtFault)
  return [...left, ...(await halving(rows.slice(middle), work, isAtFault))]
}
