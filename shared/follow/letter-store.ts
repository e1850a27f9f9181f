import { arrayLiteral } from '../inbox/array-literal.ts'
import type { Applied, Inbox, InboxBatch, Positioned } from '../inbox/inbox.ts'
import { type Effect, INBOX, type InboxTable } from '../inbox/statement.ts'
import type { Sql } from '../postgres/sql.ts'
import { run, type Statement, statement } from '../postgres/statement.ts'
import type { DeadLetter, KeepLetter } from './dead-letters.ts'

type Place = { particao: number; posicao: number }

/** Where dead letters are kept: a table in the follower's own database. */
export type LetterStore = {
  /** Durable when it resolves; the same (particao, posicao) again updates reason and attempts, unless it was redriven. */
  put: KeepLetter
  /** At most `limit` letters that wait, oldest first; with `at`, the one at that position. */
  list: (page: { limit: number; at?: Place | undefined }) => Promise<DeadLetter[]>
  /** Notes that the letter was applied after all. */
  mark: (letter: Place) => Promise<void>
}

/**
 * A letter that was redriven stays as it is: its effect has happened, and a late redelivery of the same event must not make
 * it pending again. A new one was not passed over yet, whatever the column's default says.
 */
const put = ({ letters }: InboxTable): Statement =>
  statement(
    'letters.put',
    `
insert into ${letters} as c (particao, posicao, evento, motivo, tentativas, pulada_em)
values ($1::smallint, $2::text::bigint, $3, $4, $5::int, null)
on conflict (particao, posicao) do update set
  evento = excluded.evento, motivo = excluded.motivo, tentativas = greatest(c.tentativas, excluded.tentativas)
where c.redirigida_em is null`,
  )

/**
 * Which letters wait: passed over, or their position is still a hole. What only the stream had damaged was applied from the log
 * meanwhile, so nothing is left to be done with its letter.
 */
const waiting = ({ name }: InboxTable): string => `c.redirigida_em is null and (c.pulada_em is not null or not exists (
  select from ${name} p where p.particao = c.particao and (c.posicao <= p.aplicada_ate or c.posicao <@ p.adiante)))`

const list = (table: InboxTable): Statement =>
  statement(
    'letters.list',
    `
select c.particao::int as particao, c.posicao::float8 as posicao, c.evento as body, c.motivo, c.tentativas
from ${table.letters} c
where ${waiting(table)} and ($2::int is null or c.particao = $2::int and c.posicao = $3::text::bigint)
order by c.criada_em, c.particao, c.posicao limit $1::int`,
  )

/** Only what the inbox applied under its position is done with; what was passed over needs a claim (`claim`). */
const mark = ({ letters }: InboxTable): Statement =>
  statement(
    'letters.mark',
    `
update ${letters} set redirigida_em = now()
where particao = $1::smallint and posicao = $2::text::bigint and redirigida_em is null and pulada_em is null`,
  )

/** The dead letters of a group, in the database of its inbox. */
export function createLetterStore(sql: Sql, table = INBOX): LetterStore {
  return {
    put: async ({ particao, posicao, body, motivo: reason, tentativas: attempts }) => {
      // A NUL is not text to PostgreSQL, and a broken body may hold one.
      const text = body.replaceAll('\0', '\uFFFD')
      await run(sql, put(table), [particao, String(posicao), text, reason, attempts])
    },
    list: async ({ limit, at }) => {
      const place = at === undefined ? [null, null] : [at.particao, String(at.posicao)]
      const letters = await run<DeadLetter>(sql, list(table), [limit, ...place])
      return letters.map((letter) => ({ ...letter }))
    },
    mark: async ({ particao, posicao }) => {
      await run(sql, mark(table), [particao, String(posicao)])
    },
  }
}

/** Lets the watermark pass positions whose letters are kept: noted in the same statement that passes them. */
export const passing = ({ letters } = INBOX): Effect<Positioned, unknown> => ({
  columns: [],
  ctes: `puladas as (
  update ${letters} c set pulada_em = now() from novos n where c.particao = $1::smallint and c.posicao = n.posicao
  returning c.posicao
)`,
  result: '(select null::text from puladas limit 1)',
  parse: () => undefined,
})

/** Hands out a letter that the watermark passed over, once: the claim and the effect are one statement. */
const claim = ({ letters }: InboxTable): string => `novos as (
  update ${letters} c set redirigida_em = now() from lote l, recusa r
  where r.motivo is null and c.particao = $1::smallint and c.posicao = l.posicao
    and c.pulada_em is not null and c.redirigida_em is null
  returning l.*
)`

/**
 * Applies a dead letter's event exactly once, wherever its position stands: passed over (then by claiming the letter),
 * still a hole, or meanwhile applied from the log (then by the inbox, which knows).
 */
export async function reapply<Row extends Positioned, Touched>(
  inbox: Inbox<Row, Touched>,
  batch: InboxBatch<Row>,
  table = INBOX,
): Promise<Applied<Touched>> {
  const claimed = await inbox.claim(batch, claim(table))
  if (claimed.outcome === 'applied' && claimed.novos > 0) return claimed
  const applied = claimed.outcome === 'applied' ? await inbox.apply(batch) : claimed
  if (applied.outcome !== 'applied') throw new Error(`the inbox refuses: ${applied.outcome}`)
  return applied
}

/**
 * The log has nothing at these positions: what a stream delivered under one and is kept as a letter is passed over. Gives which
 * have one.
 */
export async function passAbsent(
  sql: Sql,
  inbox: Pick<Inbox<never, unknown>, 'pass'>,
  table: InboxTable | undefined,
  { particao, posicoes }: { particao: number; posicoes: readonly number[] },
): Promise<readonly number[]> {
  const kept = await lettersAt(sql, particao, posicoes, table)
  const rows = kept.map((posicao) => ({ posicao, id: null }))
  if (rows.length > 0) await inbox.pass({ particao, epoca: null, rows }, passing(table))
  return kept
}

/** Which of the positions have a letter. */
export async function lettersAt(
  sql: Sql,
  particao: number,
  posicoes: readonly number[],
  { letters } = INBOX,
): Promise<number[]> {
  const text = `select posicao::float8 as posicao from ${letters}
    where particao = $1::smallint and ${letters}.posicao = any($2::text::bigint[])`
  const rows = await run<{ posicao: number }>(sql, statement('letters.at', text), [particao, arrayLiteral(posicoes)])
  return rows.map(({ posicao }) => posicao)
}

export type LetterCount = { database: string; pendentes: number; redirigidas: number }

/** How many letters wait, and how many were applied after all. */
export async function countLetters(sql: Sql, table = INBOX): Promise<LetterCount> {
  const text = `
select current_database() as database, count(*) filter (where ${waiting(table)})::float8 as pendentes,
  count(c.redirigida_em)::float8 as redirigidas
from ${table.letters} c`
  const [count] = await run<LetterCount>(sql, statement('letters.count', text))
  return count ?? { database: '', pendentes: 0, redirigidas: 0 }
}
