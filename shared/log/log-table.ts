import { getTableColumns, getTableName } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { type Statement, statement } from '../postgres/statement.ts'
import type { Fact } from './event.ts'

/** One row as it goes into the statement: values that JSON can carry (what is undefined becomes null); `bytea` as `\x…` hex, money as decimal text. */
export type LogRow = Readonly<Record<string, string | number | boolean | null | undefined>>

/** A row as a log's statements answer it: cents as text (a JSON number is exact to 2^53 only), times in milliseconds, bytes in hex. */
export type Answered<Row> = { [Column in keyof Row]: AnsweredValue<Row[Column]> }
type AnsweredValue<Value> = Value extends bigint | Buffer ? string : Value extends Date ? number : Value

/**
 * An append-only table that is a log: its primary key is `(particao, posicao)`, and positions are handed out by the
 * table `posicao(particao, ultima)` in the same statement that inserts the row.
 */
export type LogTable<Row = Record<string, unknown>> = {
  /** Whose log it is, in the names of its statements. */
  name: string
  /** As its schema has it. */
  table: PgTable
  /**
   * The unique keys by which a row may be known already, in the order in which they are asked. Each needs a unique
   * index over these columns; a key with a null column matches nothing.
   */
  keys: Readonly<Record<string, readonly string[]>>
  /** SQL expressions, over the table's columns, of what a known row answers with; `posicao` is there without being named. */
  known: Readonly<Record<string, string>>
  /** SQL expressions, over the table's columns, of what `fact` needs beside `posicao`. */
  read: Readonly<Record<string, string>>
  /** Tells the fact of one row, as `read` (and `posicao`) gives it. */
  fact: (row: Row) => Fact
}

/** What a statement needs of a table: all but its rows' type. */
export type LogShape = Omit<LogTable, 'fact'>

/**
 * State that moves with its log: a row is appended only where the state beside it could be moved, in one statement.
 */
export type Movement = {
  /** What the move is called, in the name of its statement. */
  verb: string
  /** What the batch carries for the move and the log does not store, with its type. */
  fields: Readonly<Record<string, string>>
  /**
   * CTEs, joined by commas, that end in `movidos`, the rows that were let in, each with all its columns of `candidatos`
   * (rows that no key knows) and what the move tells beside them. One that changes rows which others may change at the same time joins `vez`: that locks the
   * partition's counter first, so that the batches of a partition move their state in turn and never in a circle.
   */
  ctes: string
  /** Columns of the log that the move tells and not the batch: SQL over `m`, a row of `movidos`. */
  columns: Readonly<Record<string, string>>
  /** SQL over `m`: the state after the move, as JSON. */
  after: string
}

/** Every column of a log but `particao` and `posicao`, with its type. */
const columnsOf = (table: PgTable): [name: string, type: string][] =>
  Object.values(getTableColumns(table))
    .filter(({ name }) => name !== 'particao' && name !== 'posicao')
    .map((column) => [column.name, column.getSQLType()])

const list = (expressions: Readonly<Record<string, string>>): string =>
  Object.entries(expressions)
    .map(([name, expression]) => `${expression} as ${name}`)
    .join(', ')

/**
 * The statement that registers a batch in one partition. Parameters: `$1` the batch as JSON text, an array of rows each
 * with its `ordem`; `$2` the partition. Answers one line per row: `ordem`, and either the `posicao` that it got, or
 * `via` (the key by which it was known) and `conhecido` (the known row).
 *
 * With a `movement`, a row that no key knows is first tried on the state; its line then has `depois`, the state after it,
 * or, where it was not let in, neither `posicao` nor `via`.
 *
 * - `conhecidos`: `left join lateral … limit 1` is an index probe per row. `not exists` under an `or` becomes a hashed
 *   subplan that scans the whole ledger (6 times slower in a trial).
 * - `contador`: the counter's row lock is held until commit, so batches commit in the order of their positions and no
 *   reader can see position n + 1 without n. A batch that rolls back gives its positions back: the log has no gaps.
 * - Nothing new, nothing touched: a batch of known rows takes no lock.
 */
export const appendStatement = (log: LogShape, movement?: Movement): Statement => {
  const table = getTableName(log.table)
  const typed = columnsOf(log.table)
  const columns = typed.map(([name]) => name)
  const names = columns.join(', ')
  const given = typed.filter(([name]) => movement?.columns[name] === undefined)
  const record = [...given, ...Object.entries(movement?.fields ?? {})].map(([name, type]) => `${name} ${type}`)
  const probes = Object.entries(log.keys).map(
    ([via, key]) =>
      `(select '${via}'::text as via, posicao::float8 as posicao, ${list(log.known)} from ${table} e
        where ${key.map((column) => `e.${column} = l.${column}`).join(' and ')})`,
  )
  const text = `
with lote as materialized (
  select * from jsonb_to_recordset($1::text::jsonb) as l(ordem int, ${record.join(', ')})
), conhecidos as materialized (
  select l.ordem, k.* from lote l cross join lateral (${probes.join(' union all ')} limit 1) k
), ${movement === undefined ? NEW_ROWS : newMovedRows(columns, movement)}), quantos as materialized (
  select count(*) as n from novos
), contador as (
  update posicao p set ultima = p.ultima + q.n from quantos q
  where p.particao = $2 and q.n > 0 returning p.ultima - q.n as base
), inseridos as (
  insert into ${table} (particao, posicao, ${names})
  select $2, c.base + n.passo, ${columns.map((column) => `n.${column}`).join(', ')}
  from contador c cross join novos n order by n.passo
  returning posicao
)
select n.ordem, (c.base + n.passo)::float8 as posicao, null::text as via, null::json as conhecido,
  ${movement === undefined ? 'null::json' : 'n.depois'} as depois
from contador c cross join novos n
union all
select k.ordem, null, k.via, row_to_json(k), null from conhecidos k${movement === undefined ? '' : REFUSED_ROWS}`
  return statement(`${log.name}.${movement?.verb ?? 'append'}`, text)
}

/** Without state, every row that no key knows is new. */
const NEW_ROWS = `novos as materialized (
  select l.*, row_number() over (order by l.ordem) as passo
  from lote l left join conhecidos k on k.ordem = l.ordem where k.ordem is null
`

/** With state, a row is new where the state could be moved. */
const newMovedRows = (columns: readonly string[], movement: Movement): string => `candidatos as materialized (
  select l.* from lote l left join conhecidos k on k.ordem = l.ordem where k.ordem is null
), vez as materialized (
  select particao from posicao where particao = $2 and exists (select from candidatos) for update
), ${movement.ctes}, novos as materialized (
  select m.ordem, ${columns.map((name) => `${movement.columns[name] ?? `m.${name}`} as ${name}`).join(', ')},
    ${movement.after} as depois, row_number() over (order by m.ordem) as passo
  from movidos m
`

/** A row that was not let in answers with nothing. `not in` is a hashed look-up here, whatever joins are allowed. */
const REFUSED_ROWS = `
union all
select c.ordem, null, null, null, null from candidatos c where c.ordem not in (select ordem from movidos)`

/**
 * The statement that reads a page: `$1` partition, `$2` the position after which to begin, `$3` rows at most.
 *
 * Each row names its epoch, read in the same snapshot: a ledger that was restored under a running process is noticed.
 */
export const pageStatement = (log: LogShape): Statement =>
  statement(
    `${log.name}.page`,
    `
select posicao::float8 as posicao, (select epoca::text from log_estado) as epoca, ${list(log.read)}
from ${getTableName(log.table)} t where t.particao = $1 and t.posicao > $2::bigint order by t.posicao limit $3`,
  )
