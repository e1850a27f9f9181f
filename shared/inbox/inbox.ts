import { type Clock, systemClock } from '../clock.ts'
import { invariant } from '../errors.ts'
import { converting } from '../postgres/isolate.ts'
import type { Sql } from '../postgres/sql.ts'
import { run, type Statement, statement } from '../postgres/statement.ts'
import { arrayLiteral } from './array-literal.ts'
import { multirangeLiteral, runsOf } from './runs.ts'
import { applyStatement, claimStatement, type Effect, INBOX, type InboxTable, passStatement } from './statement.ts'
import { createWaiters } from './waiters.ts'
import { prepareParticoes, readWatermarks, stopParticao, type Watermark } from './watermark.ts'

/** An event's address and id; the id is null where the event could not even be read. */
export type Positioned = { posicao: number; id: string | null }

/** Events of one partition and one epoch. `epoca` is null where it could not be read: then it is not compared. */
export type InboxBatch<Row> = { particao: number; epoca: string | null; rows: readonly Row[] }

export type Refusal = {
  /** `divergente`: the partition stands still; `epoca-divergente`: another log; `id-divergente`: another history of it. */
  outcome: 'divergente' | 'epoca-divergente' | 'id-divergente'
  /** The log that the partition follows. */
  epoca: string | null
  /** Why it stands still. */
  divergente: string | null
}

export type Applied<Touched> = {
  outcome: 'applied'
  novos: number
  repetidos: number
  /** What the effect gave back; undefined where it gave nothing. */
  touched: Touched | undefined
}

export type Inbox<Row extends Positioned, Touched> = {
  /** Makes the partitions' rows. Call it before anything else. */
  prepare(particoes: number): Promise<void>
  /**
   * Dedupes by position and applies the effect to what is new, in one statement: all of it or nothing.
   *
   * Safe to repeat and to run anywhere at once. Rejects with what PostgreSQL said, or `Inconvertible` where the effect's own
   * columns throw; then nothing is applied, unless the connection broke, and then repeating tells.
   */
  apply(batch: InboxBatch<Row>): Promise<Applied<Touched> | Refusal>
  /** Passes positions over without the inbox's own effect: `effect` runs for those that were not applied before. */
  pass<Other extends Positioned>(
    batch: InboxBatch<Other>,
    effect: Effect<Other, unknown>,
  ): Promise<Applied<unknown> | Refusal>
  /** Applies the effect to rows that the CTE `claim` hands out instead of the positions (`claimStatement`). */
  claim(batch: InboxBatch<Row>, claim: string): Promise<Applied<Touched> | Refusal>
  watermarks(): Promise<Watermark[]>
  /** Stops the partition, in every process, until a rebuild. */
  stop(particao: number, reason: string): Promise<void>
  /** Waits until a position is applied; false when it was not within `timeoutMs`. */
  waitApplied(particao: number, posicao: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean>
}

type ApplyAnswer = {
  motivo: Refusal['outcome'] | null
  epoca: string | null
  divergente: string | null
  novos: number
  resultado: string | null
}

/**
 * Exactly-once effects over at-least-once delivery, in the consumer's own database.
 *
 * @example
 * const inbox = createInbox({ sql, effect })
 * await inbox.prepare(1)
 * await inbox.apply({ particao: 0, epoca, rows }) // { outcome: 'applied', novos: 2, repetidos: 0, touched: … }
 * await inbox.apply({ particao: 0, epoca, rows }) // { outcome: 'applied', novos: 0, repetidos: 2, touched: … }
 */
export function createInbox<Row extends Positioned, Touched>(deps: {
  /** A pool for single statements. */
  sql: Sql
  effect: Effect<Row, Touched>
  table?: InboxTable | undefined
  clock?: Clock | undefined
}): Inbox<Row, Touched> {
  const { sql, effect, table = INBOX, clock = systemClock } = deps
  const applying = applyStatement(effect, table)
  const waiters = createWaiters((places) => areApplied(sql, table, places), clock)

  const execute = async <R extends Positioned, T>(
    question: Statement,
    batch: InboxBatch<R>,
    { columns, parse }: Effect<R, T>,
  ) => {
    const rows = ascending(batch.rows)
    const posicoes = rows.map(({ posicao }) => posicao)
    const parameters = [
      batch.particao,
      batch.epoca,
      multirangeLiteral(runsOf(posicoes)),
      arrayLiteral(posicoes),
      arrayLiteral(rows.map(({ id }) => id)),
      ...converting(() => columns.map(({ value }) => arrayLiteral(rows.map(value)))),
    ]
    const [answer] = await run<ApplyAnswer>(sql, question, parameters)
    invariant(answer, `partition ${batch.particao} was not prepared`)
    const { motivo: reason, epoca, divergente, novos, resultado: result } = answer
    if (reason !== null) return { outcome: reason, epoca, divergente }
    waiters.applied(batch.particao, posicoes)
    const touched = result === null ? undefined : parse(JSON.parse(result))
    return { outcome: 'applied' as const, novos, repetidos: batch.rows.length - novos, touched }
  }
  return {
    prepare: (particoes) => prepareParticoes(sql, particoes, table),
    apply: (batch) => execute(applying, batch, effect),
    pass: (batch, other) => execute(passStatement(other, table), batch, other),
    claim: (batch, claim) => execute(claimStatement(effect, claim, table), batch, effect),
    watermarks: () => readWatermarks(sql, table),
    stop: (particao, reason) => stopParticao(sql, particao, reason, table),
    waitApplied: waiters.wait,
  }
}

/** Ascending and without repeats: what the stream delivers nearly always is, so the sort is for the rest. */
function ascending<R extends Positioned>(rows: readonly R[]): readonly R[] {
  if (rows.every(({ posicao }, i) => i === 0 || posicao > (rows[i - 1]?.posicao ?? 0))) return rows
  return [...new Map(rows.map((row) => [row.posicao, row])).values()].sort((a, b) => a.posicao - b.posicao)
}

const areAppliedStatement = ({ name }: InboxTable): Statement =>
  statement(
    'inbox.are-applied',
    `
select coalesce(q.posicao <= p.aplicada_ate or q.posicao <@ p.adiante, false) as aplicada
from unnest($1::text::smallint[], $2::text::bigint[]) with ordinality as q(particao, posicao, ordem)
left join ${name} p on p.particao = q.particao order by q.ordem`,
  )

type LogPlace = { particao: number; posicao: number }

async function areApplied(sql: Sql, table: InboxTable, places: readonly LogPlace[]): Promise<boolean[]> {
  const columns = [arrayLiteral(places.map((p) => p.particao)), arrayLiteral(places.map((p) => p.posicao))]
  const rows = await run<{ aplicada: boolean }>(sql, areAppliedStatement(table), columns)
  return rows.map(({ aplicada: applied }) => applied)
}
