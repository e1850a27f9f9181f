import type { Effect } from '../inbox/statement.ts'

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
