import type { pedido } from '@fluxo/drizzle/entregas/schema'
import type { Answered } from '@fluxo/shared/log/log-table'
import type { Pedido } from '../domain/pedido.ts'
import { statusOfCode } from '../domain/status.ts'

type Stored = Omit<typeof pedido.$inferSelect, 'entregas' | 'entregue_em'>

/** An order as the statements answer it. */
export type PedidoRow = Answered<Stored>

const COLUMNS = {
  id: 'p.id',
  comerciante_id: 'p.comerciante_id',
  customer_name: 'p.customer_name',
  address: 'p.address',
  valor: 'p.valor::text',
  referencia: 'p.referencia',
  status: 'p.status::int',
  anterior: 'p.anterior::int',
  version: 'p.version',
  tentativas: 'p.tentativas::int',
  corrigivel: 'p.corrigivel',
  ocorrido_em: '(extract(epoch from p.ocorrido_em) * 1000)::float8',
  created_at: '(extract(epoch from p.created_at) * 1000)::float8',
  updated_at: '(extract(epoch from p.updated_at) * 1000)::float8',
} as const satisfies Record<keyof PedidoRow, string>

/** SQL over `pedido p`: its columns as `PedidoRow` names them. */
export const PEDIDO_COLUMNS = Object.entries(COLUMNS)
  .map(([name, expression]) => `${expression} as ${name}`)
  .join(', ')

/** The same as one JSON value. */
export const PEDIDO_JSON = `json_build_object(${Object.entries(COLUMNS)
  .map(([name, expression]) => `'${name}', ${expression}`)
  .join(', ')})`

/** Reads an order from its row, as a statement or as drizzle answers it. */
export const pedidoFromRow = (row: PedidoRow | Stored): Pedido => ({
  id: row.id,
  comercianteId: row.comerciante_id,
  customerName: row.customer_name,
  address: row.address,
  status: statusOfCode(row.status),
  version: row.version,
  tentativas: row.tentativas,
  corrigivel: row.corrigivel && row.anterior !== null ? statusOfCode(row.anterior) : undefined,
  occurredAt: new Date(row.ocorrido_em),
  createdAt: new Date(row.created_at),
  updatedAt: new Date(row.updated_at),
  ...(row.valor !== null && { valor: BigInt(row.valor) }),
  ...(row.referencia !== null && { referencia: row.referencia }),
})
