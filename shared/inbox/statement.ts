import { LOCKS } from '../postgres/locks.ts'
import { type Statement, statement } from '../postgres/statement.ts'
/** One column of a batch: its SQL name and type, and its value in a row. */
export type Column<Row> = {
  name: string
  type: 'text' | 'date' | 'boolean' | 'smallint' | 'integer' | 'bigint' | 'numeric' | 'uuid' | 'timestamptz'
  value: (row: Row) => string | number | bigint | null
}

/**
 * What a consumer does with the rows that are new, as SQL of the same statement that dedupes them.
 *
 * `ctes` are common table expressions joined by commas. They read `novos` (posicao, id and the columns), each row of
 * which is there exactly once for ever; `marca`, one row, which no expression may precede: whoever reads another table
 * after a wait for the lock must re-read it with a row lock and join `marca`, since the statement's snapshot is older
 * than the lock. `$1` is the partition. `result` is an SQL expression of JSON text, or null.
 */
export type Effect<Row, Touched> = {
  columns: readonly Column<Row>[]
  ctes: string
  result: string
  parse: (json: unknown) => Touched
}

/**
 * Where an inbox keeps its partitions, and the letters of what it could not apply. Two groups that read the same log into one
 * database have both of their own.
 */
export type InboxTable = { readonly name: string; readonly lock: number; readonly letters: string }

/** The inbox of a database that has one. */
export const INBOX: InboxTable = { name: 'inbox_particao', lock: LOCKS.inbox, letters: 'carta_morta' }

/** Parameters before the columns: partition, epoch, runs, positions, ids. */
const FIXED_PARAMETERS = 5

type Parts = {
  table: InboxTable
  columns: readonly { name: string; type: string }[]
  /** How new rows are found, and what is noted about them. */
  claim: string
  ctes: string
  result: string
}

/**
 * The statement that applies a batch to a partition exactly once.
 *
 * Applies of one partition go one after another, as the commits of its ledger do: the advisory lock queues them in
 * order of arrival, after the batch was parsed, and a rebuild holds it to swap. `for update` then re-reads the row as
 * the last holder left it, which the statement's snapshot may not show: the lock alone would apply a duplicate twice.
 *
 * Refusals (`motivo`): `divergente`, the partition stands still; `epoca-divergente`, another log; `id-divergente`,
 * another event at the last known position, so another history of the same log. Nothing is applied then.
 */
function textOf({ table, columns, claim, ctes, result }: Parts): string {
  const arrays = columns.map(({ type }, i) => `, $${FIXED_PARAMETERS + 1 + i}::text::${type}[]`).join('')
  const names = columns.map(({ name }) => `, ${name}`).join('')
  return `
with lote as materialized (
  select * from unnest($4::text::bigint[], $5::text::uuid[]${arrays}) as l(posicao, id${names})
),
trava as materialized (
  select pg_advisory_xact_lock(${table.lock}, $1::int) from (select count(*) from lote) l
),
marca as materialized (
  select p.* from trava, ${table.name} p where p.particao = $1::smallint for update of p
),
recusa as materialized (
  select case
    when m.divergente is not null then 'divergente'
    when m.epoca <> $2::text::uuid then 'epoca-divergente'
    when exists (select from lote l where l.posicao = m.ultima_posicao and l.id <> m.ultimo_id) then 'id-divergente'
  end as motivo from marca m
),
${claim},
${ctes}
select r.motivo, m.epoca::text as epoca, m.divergente, (select count(*)::int from novos) as novos,
  ${result} as resultado
from recusa r cross join marca m`
}

/** New are the positions that the partition's row does not know; the row learns them in the same statement. */
const claimByPosition = ({ name }: InboxTable): string => `novos as materialized (
  select l.* from lote l, marca m, recusa r
  where r.motivo is null and l.posicao > m.aplicada_ate and not l.posicao <@ m.adiante
),
maior as materialized (
  select n.posicao, n.id from novos n order by n.posicao desc limit 1
),
faixas as materialized (
  select m.adiante + int8multirange(int8range(0, m.aplicada_ate + 1)) + $3::text::int8multirange as todas from marca m
),
grava as (
  update ${name} p set
    epoca = coalesce(p.epoca, $2::text::uuid),
    aplicada_ate = upper(f.primeira) - 1,
    adiante = f.todas - int8multirange(f.primeira),
    ultimo_id = case when n.posicao > p.ultima_posicao then n.id else p.ultimo_id end,
    ultima_posicao = greatest(p.ultima_posicao, n.posicao)
  from maior n, (select todas, (select r from unnest(todas) r limit 1) as primeira from faixas) f
  where p.particao = $1::smallint
)`

/** Applies what is new by position, with `effect`. */
export const applyStatement = <Row, Touched>(effect: Effect<Row, Touched>, table = INBOX): Statement =>
  statement('inbox.apply', textOf({ ...effect, table, claim: claimByPosition(table) }))

/** The same, where `effect` only notes that what is new was passed over. */
export const passStatement = <Row, Touched>(effect: Effect<Row, Touched>, table = INBOX): Statement =>
  statement('inbox.pass', textOf({ ...effect, table, claim: claimByPosition(table) }))

/**
 * Applies `effect` to rows that `claim` (a CTE named `novos`) hands out, once each, beside the positions: for events
 * whose position was passed over before (dead letters).
 */
export const claimStatement = <Row, Touched>(effect: Effect<Row, Touched>, claim: string, table = INBOX): Statement =>
  statement('inbox.claim', textOf({ ...effect, table, claim: `passadas as (select $3::text), ${claim}` }))
