import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'
import { eventoJson } from '../domain/evento.ts'
import type { PedidoReadStore } from '../listar/store.ts'

export type StreamItem = { seq: number; item: Readonly<Record<string, unknown>> }

export type AcompanharStore = {
  /** The events of an order after `seq`, in order. */
  after: (comercianteId: string, pedidoId: string, seq: number) => Promise<StreamItem[]>
  /** The version of each of these orders: the `seq` of its last event. */
  versions: (pedidos: readonly string[]) => Promise<Map<string, number>>
  /** Which of these tokens of the tracking page open a page now, by their SHA-256 in hex. */
  valid: (tokens: readonly string[]) => Promise<Set<string>>
}

const VERSIONS = statement('orders.versions', 'select id, version from pedido where id = any($1::text::uuid[])')

const OPEN_PAGES = statement(
  'tracking.open-pages',
  `select encode(token_sha256, 'hex') as token from rastreio
   where token_sha256 = any(select decode(t, 'hex') from unnest($1::text::text[]) t)`,
)

/** What the live streams read: what a client missed (as its merchant), and whether anybody missed something (as the service, with `sql`). */
export const createAcompanharStore = (sql: Sql, reads: Pick<PedidoReadStore, 'eventos'>): AcompanharStore => ({
  after: async (comercianteId, pedidoId, seq) =>
    ((await reads.eventos(comercianteId, pedidoId, seq)) ?? []).map((e) => ({ seq: e.seq, item: eventoJson(e) })),
  versions: async (pedidos) => {
    const rows = await run<{ id: string; version: number }>(sql, VERSIONS, [arrayLiteral(pedidos)])
    return new Map(rows.map(({ id, version }) => [id, version]))
  },
  valid: async (tokens) => {
    const rows = await run<{ token: string }>(sql, OPEN_PAGES, [arrayLiteral(tokens)])
    return new Set(rows.map(({ token }) => token))
  },
})
