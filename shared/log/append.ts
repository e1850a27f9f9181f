import { type Clock, systemClock } from '../clock.ts'
import { invariant } from '../errors.ts'
import { codeOf, isInfrastructure, isUniqueViolation, throwUnavailable } from '../postgres/failure.ts'
import { halving } from '../postgres/isolate.ts'
import { type Sql, withDeadline } from '../postgres/sql.ts'
import { run, type Statement } from '../postgres/statement.ts'
import type { Tx } from '../postgres/transactions.ts'
import { appendStatement, type LogRow, type LogShape, type Movement } from './log-table.ts'

/** What became of a row: it got a position, was known by a key (with the known row's columns), or cannot be stored. */
export type Appended<Known> =
  | { outcome: 'new'; posicao: number }
  | { outcome: 'known'; via: string; posicao: number; row: Known }
  | { outcome: 'refused'; error: unknown }

/** Writes rows of a partition; inside somebody's transaction, where its `connection` is given. */
export type WriteRows<Result> = {
  (particao: number, rows: readonly LogRow[], connection?: Sql | Tx): Promise<Result[]>
  /** The name of its statement. */
  readonly statement: string
}

/** The same for a log that moves state: a row that was let in tells the state after it; `guarded`, it was not let in. */
export type Moved<Known, State> =
  | { outcome: 'moved'; posicao: number; state: State }
  | { outcome: 'guarded' }
  | Exclude<Appended<Known>, { outcome: 'new' }>

type Line<Known, State> = {
  ordem: number
  posicao: number | null
  via: string | null
  conhecido: (Known & { posicao: number }) | null
  depois: State
}

/** Well above the pool's statement_timeout: only a half-open connection gets here. */
const REPLY_DEADLINE_MS = 20_000
/** What every log of ours is to a merchant who writes. */
export const throwAppendUnavailable = throwUnavailable('O registro está indisponível')
/** A race on a key is decided by the first retry, which sees the winner; a second one would be a bug. */
const RACE_RETRIES_MAX = 3

/**
 * Registers batches of rows in a log. `rows` share no key among themselves (`createLogWriter` sees to that).
 *
 * One bad row refuses no other: where the statement fails on the data the batch is halved until the row at fault is
 * alone, `refused`, and the others are stored. Where another instance registered the same key a moment earlier, a
 * retry with a new snapshot finds its row. Rejects with `Unavailable` when PostgreSQL cannot answer: then it is **not
 * known** whether the batch was committed, and only rows with a key may be sent again safely.
 *
 * @example
 * const append = createAppend<{ id: string }>(sql, LEDGER)
 * await append(0, [row]) // [{ outcome: 'new', posicao: 1 }]
 * await append(0, [row]) // [{ outcome: 'known', via: 'chave', posicao: 1, row: { id: … } }]
 */
export const createAppend = <Known>(
  sql: Sql,
  table: LogShape,
  clock: Clock = systemClock,
): WriteRows<Appended<Known>> =>
  createWriter<Known, unknown, Appended<Known>>(sql, appendStatement(table), clock, ({ posicao }) => {
    invariant(posicao !== null, 'a log without state lets every row in')
    return { outcome: 'new', posicao }
  })

/**
 * Registers batches of rows, each only where the state beside the log could be moved; the row and the move are one
 * statement. What `createAppend` says of batches, races and outages holds here, too.
 */
export const createMove = <Known, State>(
  sql: Sql,
  table: LogShape,
  movement: Movement,
  clock: Clock = systemClock,
): WriteRows<Moved<Known, State>> =>
  createWriter<Known, State, Moved<Known, State>>(
    sql,
    appendStatement(table, movement),
    clock,
    ({ posicao, depois: after }) =>
      posicao === null ? { outcome: 'guarded' } : { outcome: 'moved', posicao, state: after },
  )

type Refused = { outcome: 'refused'; error: unknown }
type KnownRow<Known> = Extract<Appended<Known>, { outcome: 'known' }>

const createWriter = <Known, State, Result>(
  sql: Sql,
  statement: Statement,
  clock: Clock,
  unknown: (line: Line<Known, State>) => Result,
): WriteRows<Result | KnownRow<Known> | Refused> => {
  type Answer = Result | KnownRow<Known> | Refused

  const once = async (connection: Sql | Tx, particao: number, rows: readonly LogRow[]): Promise<Answer[]> => {
    const batch = JSON.stringify(rows.map((row, index) => ({ ordem: index, ...row })))
    const query = run<Line<Known, State>>(connection, statement, [batch, particao])
    const lines = await withDeadline(query, REPLY_DEADLINE_MS, clock)
    const results = new Array<Answer>(rows.length)
    for (const line of lines) {
      const { ordem: index, via, conhecido: known } = line
      if (via === null || known === null) results[index] = unknown(line)
      else results[index] = { outcome: 'known', via, posicao: known.posicao, row: known }
    }
    invariant(lines.length === rows.length, `partition ${particao} has a counter and answers every row once`)
    return results
  }

  const attempt = async (particao: number, rows: readonly LogRow[], races = 0): Promise<Answer[]> => {
    try {
      return await once(sql, particao, rows)
    } catch (error) {
      if (isInfrastructure(error)) return throwAppendUnavailable(error)
      if (isUniqueViolation(error) && races < RACE_RETRIES_MAX) return attempt(particao, rows, races + 1)
      throw error
    }
  }

  const write = async (particao: number, rows: readonly LogRow[], connection?: Sql | Tx): Promise<Answer[]> => {
    if (rows.length === 0) return []
    // Inside somebody's transaction an error has ended it: dividing and retrying are its owner's to decide.
    if (connection) return once(connection, particao, rows)
    const parts = await halving(rows, (some) => attempt(particao, some), isAtFault)
    return parts.flatMap((part) => (part.outcome === 'done' ? part.done : { outcome: 'refused', error: part.error }))
  }
  return Object.assign(write, { statement: statement.name })
}

/** Whether PostgreSQL refused a row: what is no error of its own is a bug, and an outage is no row's fault. */
const isAtFault = (error: unknown): boolean => codeOf(error) !== undefined
