import type { LogRow, Movement } from '@fluxo/shared/log/log-table'
import type { EventoSource } from '../domain/change.ts'
import { pedidoImpressao } from '../domain/impressao.ts'
import type { Pedido } from '../domain/pedido.ts'
import { statusCode } from '../domain/status.ts'
import { CHANGE } from './evento-table.ts'

/** An order to be received: its first event goes with it. */
export type PedidoArrival = {
  pedido: Pedido
  eventoId: string
  actor: string
  source: EventoSource
  chave?: string | undefined
  traceparent?: string | undefined
}

/** The same for every order that is received: written by the statement, not carried in each row (11.6 µs a row became 5.6). */
const BEGINNING = {
  seq: '1',
  especie: `${CHANGE}`,
  status: `${statusCode('RECEIVED')}`,
  anterior: 'null::smallint',
  informado: 'null::smallint',
  tentativas: '0',
  entregas: '0',
  entregue_em: 'null::timestamptz',
  reason: 'null::text',
  note: 'null::text',
  location: 'null::text',
  codigo: 'null::text',
}

/** Writes an order to be received as a row of the batch. */
export const rowOfArrival = ({ pedido, eventoId, chave, traceparent, actor, source }: PedidoArrival): LogRow => ({
  id: eventoId,
  pedido_id: pedido.id,
  comerciante_id: pedido.comercianteId,
  valor: pedido.valor?.toString(),
  actor,
  source,
  referencia: pedido.referencia,
  chave,
  impressao: `\\x${pedidoImpressao(pedido)}`,
  rastro: traceparent,
  occurred_at: pedido.occurredAt.toISOString(),
  created_at: pedido.createdAt.toISOString(),
  customer_name: pedido.customerName,
  address: pedido.address,
})

/** An order that is received gets its row together with its first event. */
export const RECEIVE_PEDIDO: Movement = {
  verb: 'receive',
  fields: { customer_name: 'text', address: 'text' },
  ctes: `criados as (
  insert into pedido (id, comerciante_id, customer_name, address, valor, referencia, status, version,
    created_at, updated_at, ocorrido_em)
  select pedido_id, comerciante_id, customer_name, address, valor, referencia, ${BEGINNING.status}, ${BEGINNING.seq},
    created_at, created_at, occurred_at
  from candidatos order by ordem
), movidos as (
  select * from candidatos
)`,
  columns: BEGINNING,
  after: 'null::json',
}
