import type { Pedido } from '../domain/pedido.ts'
import { statusDe } from '../domain/status.ts'

/** An order as the statements answer it. */
export type PedidoRow = {
  id: string
  comerciante_id: string
  customer_name: string
  address: string
  /** Cents as text: JSON numbers are exact to 2^53 only. */
  valor: string | null
  referencia: string | null
  status: number
  anterior: number | null
  version: number
  tentativas: number
  corrigivel: boolean
  ocorrido_ms: number
  created_ms: number
  updated_ms: number
}

const COLUNAS = {
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
  ocorrido_ms: '(extract(epoch from p.ocorrido_em) * 1000)::float8',
  created_ms: '(extract(epoch from p.created_at) * 1000)::float8',
  updated_ms: '(extract(epoch from p.updated_at) * 1000)::float8',
} as const satisfies Record<keyof PedidoRow, string>

/** SQL over `pedido p`: its columns as `PedidoRow` names them. */
export const PEDIDO_COLUNAS = Object.entries(COLUNAS)
  .map(([name, expression]) => `${expression} as ${name}`)
  .join(', ')

/** The same as one JSON value. */
export const PEDIDO_JSON = `json_build_object(${Object.entries(COLUNAS)
  .map(([name, expression]) => `'${name}', ${expression}`)
  .join(', ')})`

/** Reads an order from its row. */
export const pedidoDe = (row: PedidoRow): Pedido => ({
  id: row.id,
  comercianteId: row.comerciante_id,
  customerName: row.customer_name,
  address: row.address,
  status: statusDe(row.status),
  version: row.version,
  tentativas: row.tentativas,
  corrigivel: row.corrigivel && row.anterior !== null ? statusDe(row.anterior) : undefined,
  ocorridoEm: new Date(row.ocorrido_ms),
  createdAt: new Date(row.created_ms),
  updatedAt: new Date(row.updated_ms),
  ...(row.valor !== null && { valor: BigInt(row.valor) }),
  ...(row.referencia !== null && { referencia: row.referencia }),
})
