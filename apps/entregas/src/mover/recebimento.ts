import type { LogRow, Movement } from '@fluxo/shared/log/log-table'
import { impressaoDoPedido } from '../domain/impressao.ts'
import type { Origem } from '../domain/mudanca.ts'
import type { Pedido } from '../domain/pedido.ts'
import { MUDANCA } from './evento-table.ts'

/** An order to be received: its first event goes with it. */
export type Recebimento = {
  pedido: Pedido
  eventoId: string
  actor: string
  source: Origem
  chave?: string | undefined
  rastro?: string | undefined
}

/** What no order has yet when it is received. */
const INICIO = { seq: 1, especie: MUDANCA, status: 0, anterior: null, tentativas: 0, entregas: 0, entregue_em: null }
const SEM_RELATO = { informado: null, reason: null, note: null, location: null, codigo: null }

/** Writes an order to be received as a row of the batch. */
export const linhaDoRecebimento = ({ pedido, eventoId, chave, rastro, actor, source }: Recebimento): LogRow => ({
  ...INICIO,
  ...SEM_RELATO,
  id: eventoId,
  pedido_id: pedido.id,
  comerciante_id: pedido.comercianteId,
  valor: pedido.valor?.toString() ?? null,
  actor,
  source,
  referencia: pedido.referencia ?? null,
  chave: chave ?? null,
  impressao: `\\x${impressaoDoPedido(pedido)}`,
  rastro: rastro ?? null,
  occurred_at: pedido.ocorridoEm.toISOString(),
  created_at: pedido.createdAt.toISOString(),
  customer_name: pedido.customerName,
  address: pedido.address,
})

/** An order that is received gets its row together with its first event. */
export const RECEBER: Movement = {
  fields: { customer_name: 'text', address: 'text' },
  ctes: `criados as (
  insert into pedido (id, comerciante_id, customer_name, address, valor, referencia, status, version,
    created_at, updated_at, ocorrido_em)
  select pedido_id, comerciante_id, customer_name, address, valor, referencia, status, seq,
    created_at, created_at, occurred_at
  from candidatos order by ordem
), movidos as (
  select * from candidatos
)`,
  columns: {},
  after: 'null::json',
}
