import { codeOf } from '../postgres/failure.ts'

/**
 * SQLSTATE classes that speak of the data in the statement: 22 data exception, 23 integrity constraint violation.
 *
 * Everything else (outages, and a missing grant or table as well) would fail for every row, so it is never poison:
 * a forgotten migration must not send a day's business to the dead letters.
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

type Poisoned<Row> = { row: Row; motivo: string }

/**
 * Applies `rows`, halving them where it fails because of one of them, so that a bad row stays alone.
 *
 * Gives the outcomes of the parts in order, and the rows that cannot be applied. Any other error is thrown; parts that
 * were applied before stay applied, which is harmless since everything is applied once.
 */
export async function applyIsolating<Row, Outcome>(
  rows: readonly Row[],
  apply: (rows: readonly Row[]) => Promise<Outcome>,
): Promise<{ outcomes: Outcome[]; poisoned: Poisoned<Row>[] }> {
  const [first] = rows
  if (first === undefined) return { outcomes: [], poisoned: [] }
  try {
    return { outcomes: [await apply(rows)], poisoned: [] }
  } catch (error) {
    if (!isPoison(error)) throw error
    if (rows.length === 1) return { outcomes: [], poisoned: [{ row: first, motivo: reasonOf(error) }] }
  }
  const middle = rows.length >> 1
  const left = await applyIsolating(rows.slice(0, middle), apply)
  const right = await applyIsolating(rows.slice(middle), apply)
  return {
    outcomes: [...left.outcomes, ...right.outcomes],
    poisoned: [...left.poisoned, ...right.poisoned],
  }
}
