import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import type { Inbox } from '@fluxo/shared/inbox/inbox'
import type { Effect } from '@fluxo/shared/inbox/statement'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { CartaMorta, DeadLetterStore } from '@fluxo/shared/stream/dead-letter'
import type { Saldo } from '../domain/saldo.ts'
import type { Lancado } from './efeito.ts'

/**
 * A letter that was redriven stays as it is: its effect is in the books, and a late redelivery of the same poison must
 * not make it pending again.
 */
const PUT = `
insert into carta_morta as c (particao, posicao, evento, motivo, tentativas)
values ($1::smallint, $2::text::bigint, $3, $4, $5::int)
on conflict (particao, posicao) do update set
  evento = excluded.evento, motivo = excluded.motivo, tentativas = greatest(c.tentativas, excluded.tentativas)
where c.redirigida_em is null`

const LIST = `
select particao::int as particao, posicao::float8 as posicao, evento as body, motivo, tentativas
from carta_morta where redirigida_em is null order by criada_em, particao, carta_morta.posicao limit $1::int`

/** Only what the inbox applied under its position is done with; what was passed over needs a claim (`CLAIM`). */
const MARK = `
update carta_morta set redirigida_em = now()
where particao = $1::smallint and posicao = $2::text::bigint and redirigida_em is null and pulada_em is null`

/** The dead letters of the consolidado: table `carta_morta`. */
export function createCartasStore(sql: Sql): DeadLetterStore {
  return {
    put: async ({ particao, posicao, body, motivo, tentativas }) => {
      // A NUL is not text to PostgreSQL, and a broken body may hold one.
      const texto = body.replaceAll('\0', '\uFFFD')
      await sql.unsafe(PUT, [particao, String(posicao), texto, motivo, tentativas], { prepare: true })
    },
    list: async ({ limite }) => {
      const cartas = await sql.unsafe<CartaMorta[]>(LIST, [limite], { prepare: true })
      return cartas.map((carta) => ({ ...carta }))
    },
    mark: async ({ particao, posicao }) => {
      await sql.unsafe(MARK, [particao, String(posicao)], { prepare: true })
    },
  }
}

/** Lets the watermark pass positions whose letters are kept: noted in the same statement that passes them. */
export const efeitoDePular: Effect<{ posicao: number; id: string | null }, unknown> = {
  columns: [],
  ctes: `puladas as (
  update carta_morta c set pulada_em = now() from novos n where c.particao = $1::smallint and c.posicao = n.posicao
  returning c.posicao
)`,
  result: '(select null::text from puladas limit 1)',
  parse: () => undefined,
}

/** Hands out a letter that the watermark passed over, once: the claim and the effect are one statement. */
const CLAIM = `novos as (
  update carta_morta c set redirigida_em = now() from lote l, recusa r
  where r.motivo is null and c.particao = $1::smallint and c.posicao = l.posicao
    and c.pulada_em is not null and c.redirigida_em is null
  returning l.*
)`

/**
 * Applies a dead letter's event exactly once, wherever its position stands: passed over (then by claiming the letter),
 * still a hole, or meanwhile applied from the ledger (then by the inbox, which knows). Gives the days to refresh.
 */
export async function reaplicar(
  inbox: Inbox<Lancado, Saldo[]>,
  lote: { particao: number; epoca: string; rows: readonly Lancado[] },
): Promise<Saldo[]> {
  const claimed = await inbox.claim(lote, CLAIM)
  if (claimed.outcome !== 'aplicado') throw new Error(`the inbox refuses: ${claimed.outcome}`)
  if (claimed.novos > 0) return claimed.touched ?? []
  const applied = await inbox.apply(lote)
  if (applied.outcome !== 'aplicado') throw new Error(`the inbox refuses: ${applied.outcome}`)
  return applied.touched ?? []
}

/** Which of the positions have a letter. */
export async function cartasEm(sql: Sql, particao: number, posicoes: readonly number[]): Promise<number[]> {
  const text = `select posicao::float8 as posicao from carta_morta
    where particao = $1::smallint and carta_morta.posicao = any($2::text::bigint[])`
  const rows = await sql.unsafe<{ posicao: number }[]>(text, [particao, arrayLiteral(posicoes)], { prepare: true })
  return rows.map(({ posicao }) => posicao)
}

export type ContagemDeCartas = { pendentes: number; redirigidas: number }

const CONTAR = `
select count(*) filter (where redirigida_em is null)::float8 as pendentes, count(redirigida_em)::float8 as redirigidas
from carta_morta`

/** How many letters wait, and how many were applied after all. */
export async function contarCartas(sql: Sql): Promise<ContagemDeCartas> {
  const [contagem] = await sql.unsafe<ContagemDeCartas[]>(CONTAR, [], { prepare: true })
  return contagem ?? { pendentes: 0, redirigidas: 0 }
}
