import type { Fato } from './event.ts'

/** The PostgreSQL types that a row's columns may have on their way through `jsonb_to_recordset`. */
export type ColumnType = 'bigint' | 'bytea' | 'date' | 'int' | 'jsonb' | 'smallint' | 'text' | 'timestamptz' | 'uuid'

/** One row as it goes into the statement: values that JSON can carry; `bytea` as `\x…` hex, money as decimal text. */
export type LogRow = Readonly<Record<string, string | number | boolean | null>>

/**
 * An append-only table that is a log: its primary key is `(particao, posicao)`, and positions are handed out by the
 * table `posicao(particao, ultima)` in the same statement that inserts the row.
 */
export type LogTable<Row = Record<string, unknown>> = {
  name: string
  /** Every column but `particao` and `posicao`, with its type. */
  columns: Readonly<Record<string, ColumnType>>
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
  fact: (row: Row) => Fato
}

/** What a statement needs of a table: all but its rows' type. */
export type LogShape = Omit<LogTable, 'fact'>

const list = (expressions: Readonly<Record<string, string>>): string =>
  Object.entries(expressions)
    .map(([name, expression]) => `${expression} as ${name}`)
    .join(', ')

/**
 * The statement that registers a batch in one partition. Parameters: `$1` the batch as JSON text, an array of rows each
 * with its `ordem`; `$2` the partition. Answers one line per row: `ordem`, and either the `posicao` that it got, or
 * `via` (the key by which it was known) and `conhecido` (the known row).
 *
 * - `conhecidos`: `left join lateral … limit 1` is an index probe per row. `not exists` under an `or` becomes a hashed
 *   subplan that scans the whole ledger (6 times slower in a trial).
 * - `contador`: the counter's row lock is held until commit, so batches commit in the order of their positions and no
 *   reader can see position n + 1 without n. A batch that rolls back gives its positions back: the log has no gaps.
 * - Nothing new, nothing touched: a batch of known rows takes no lock.
 */
export const appendStatement = (table: LogShape): string => {
  const columns = Object.keys(table.columns)
  const names = columns.join(', ')
  const record = Object.entries(table.columns).map(([name, type]) => `${name} ${type}`)
  const probes = Object.entries(table.keys).map(
    ([via, key]) =>
      `(select '${via}'::text as via, posicao::float8 as posicao, ${list(table.known)} from ${table.name} e
        where ${key.map((column) => `e.${column} = l.${column}`).join(' and ')})`,
  )
  return `
with lote as materialized (
  select * from jsonb_to_recordset($1::text::jsonb) as l(ordem int, ${record.join(', ')})
), conhecidos as materialized (
  select l.ordem, k.* from lote l cross join lateral (${probes.join(' union all ')} limit 1) k
), novos as materialized (
  select l.*, row_number() over (order by l.ordem) as passo
  from lote l left join conhecidos k on k.ordem = l.ordem where k.ordem is null
), quantos as materialized (
  select count(*) as n from novos
), contador as (
  update posicao p set ultima = p.ultima + q.n from quantos q
  where p.particao = $2 and q.n > 0 returning p.ultima - q.n as base
), inseridos as (
  insert into ${table.name} (particao, posicao, ${names})
  select $2, c.base + n.passo, ${columns.map((column) => `n.${column}`).join(', ')}
  from contador c cross join novos n order by n.passo
  returning posicao
)
select n.ordem, (c.base + n.passo)::float8 as posicao, null::text as via, null::json as conhecido
from contador c cross join novos n
union all
select k.ordem, null, k.via, row_to_json(k) from conhecidos k`
}

/**
 * The statement that reads a page: `$1` partition, `$2` the position after which to begin, `$3` rows at most.
 *
 * Each row names its epoch, read in the same snapshot: a ledger that was restored under a running process is noticed.
 */
export const pageStatement = (table: LogShape): string => `
select posicao::float8 as posicao, (select epoca::text from log_estado) as epoca, ${list(table.read)}
from ${table.name} t where t.particao = $1 and t.posicao > $2::bigint order by t.posicao limit $3`
