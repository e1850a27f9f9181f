import type { Effect } from '../inbox/statement.ts'
import type { Sql } from '../postgres/sql.ts'

/** An event that can never be applied: its text, and why. */
export type Morta = { posicao: number; id: string | null; body: string; motivo: string }

/**
 * Lets the watermark pass positions whose events can never be applied: each is kept in `carta_morta` by the very statement
 * that passes it. A NUL is not text to PostgreSQL, and a broken body may hold one.
 */
export const efeitoDeGuardar: Effect<Morta, unknown> = {
  columns: [
    { name: 'evento', type: 'text', value: ({ body }) => body.replaceAll('\0', '\uFFFD') },
    { name: 'motivo', type: 'text', value: ({ motivo }) => motivo },
  ],
  ctes: `guardadas as (
  insert into carta_morta (particao, posicao, evento, motivo)
  select $1::smallint, n.posicao, n.evento, n.motivo from novos n
  on conflict (particao, posicao) do nothing returning 1
)`,
  result: '(select null::text from guardadas limit 1)',
  parse: () => undefined,
}

/** A dead letter as it was kept. */
export type CartaMorta = { particao: number; posicao: number; motivo: string; evento: string; criadaEm: Date }

/** The oldest dead letters of a database, or the one at a position. */
export async function lerCartas(
  sql: Sql,
  { limite, so }: { limite: number; so?: { particao: number; posicao: number } | undefined },
): Promise<CartaMorta[]> {
  const [particao, posicao] = so === undefined ? [null, null] : [String(so.particao), String(so.posicao)]
  return sql<CartaMorta[]>`
    select particao::int as particao, posicao::float8 as posicao, motivo, evento, criada_em as "criadaEm" from carta_morta
    where ${particao}::text is null or (particao = ${particao}::text::smallint and posicao = ${posicao}::text::bigint)
    order by criada_em, particao, posicao limit ${limite}::int`
}
