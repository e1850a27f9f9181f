import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import type { LiveSource } from '@fluxo/shared/live/audience'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'
import { eventoJson } from '../domain/evento.ts'
import type { PedidoReadStore } from '../listar/store.ts'
import { liveEvent } from './acompanhar.ts'

const VERSIONS = statement('orders.versions', 'select id, version from pedido where id = any($1::text::uuid[])')

const OPEN_PAGES = statement(
  'tracking.open-pages',
  `select encode(token_sha256, 'hex') as token from rastreio
   where token_sha256 = any(select decode(t, 'hex') from unnest($1::text::text[]) t)`,
)

/**
 * What the live streams read: what a client missed of an order (as its merchant), and whether anybody missed something (as the service,
 * with `sql`). The `seq` of an order's last event is its version; tokens are those of tracking pages, by their SHA-256 in hex.
 */
export const createAcompanharStore = (sql: Sql, reads: Pick<PedidoReadStore, 'eventos'>): LiveSource => ({
  after: async (comercianteId, pedidoId, seq) =>
    ((await reads.eventos(comercianteId, pedidoId, seq)) ?? []).map((e) => liveEvent(e.seq, eventoJson(e))),
  heads: async (pedidos) => {
    const rows = await run<{ id: string; version: number }>(sql, VERSIONS, [arrayLiteral(pedidos)])
    return new Map(rows.map(({ id, version }) => [id, version]))
  },
  valid: async (tokens) => {
    const rows = await run<{ token: string }>(sql, OPEN_PAGES, [arrayLiteral(tokens)])
    return new Set(rows.map(({ token }) => token))
  },
})
