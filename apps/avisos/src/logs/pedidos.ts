import type { Group } from '@fluxo/shared/follow/group'
import type { InboxTable } from '@fluxo/shared/inbox/statement'
import { type Reader, readData } from '@fluxo/shared/log/event'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import { z } from 'zod'
import { avisoBody } from '../notar/body.ts'
import { NOTE_DITOS } from '../notar/note-eventos.ts'

/** Streams of the orders' events. The name is the contract with entregas. */
export const PEDIDOS_STREAM = 'fluxo:pedidos'
/** The consumer group on every log that is followed here. */
export const AVISOS_GROUP = 'avisos'

/** Every type that an event of an order may have. The names are the contract with entregas. */
export const PEDIDO_TIPOS = [
  'pedido.recebido.v1',
  'pedido.separado.v1',
  'pedido.em-transporte.v1',
  'pedido.saiu-para-entrega.v1',
  'pedido.entrega-falhou.v1',
  'pedido.aguarda-retirada.v1',
  'pedido.entregue.v1',
  'pedido.em-devolucao.v1',
  'pedido.devolvido.v1',
  'pedido.cancelado.v1',
  'pedido.extraviado.v1',
  'pedido.avariado.v1',
  'pedido.anotado.v1',
  'pedido.corrigido.v1',
] as const

/** What is known of the orders' log, and which of its events could not be applied. */
export const PEDIDOS_INBOX: InboxTable = { name: 'inbox_pedidos', lock: LOCKS.inbox, letters: 'carta_pedidos' }

/** An event of an order as it is told: whose it is, and the body that is sent. */
type PedidoDito = {
  posicao: number
  id: string
  comercianteId: string
  tipo: string
  em: string
  corpo: string
  rastro: string | null
}

/** `data` of an order's event, as far as a merchant is told of it. */
const PedidoDataSchema = z.object({
  comerciante_id: z.string(),
  order_id: z.string(),
  seq: z.int(),
  status: z.string(),
  previous_status: z.string().nullable(),
  reason: z.string().optional(),
  note: z.string().optional(),
  location: z.string().optional(),
  carrier_code: z.string().optional(),
  tracking_code: z.string().optional(),
  reported_status: z.string().optional(),
  attempt: z.int().optional(),
  actor: z.string(),
  occurred_at: z.string(),
  source: z.string(),
})

/** Reads an event of the orders' log; what is told of it is what `GET /orders/{id}/events` shows, field by field in its order. */
const readPedido: Reader<PedidoDito> = (evento, posicao) => {
  const data = readData(PedidoDataSchema, evento)
  if (typeof data === 'string') return data
  const { id, type, time, traceparent } = evento
  const { comerciante_id: comercianteId, order_id, seq, status, previous_status, actor, occurred_at, source } = data
  const { reason, note, location, carrier_code, tracking_code, reported_status, attempt } = data
  // JSON has no undefined: what is absent here is absent there.
  const optional = { reason, note, location, carrier_code, tracking_code, reported_status, attempt }
  const told = { id, order_id, status, timestamp: time, seq, previous_status, ...optional, actor, occurred_at, source }
  return {
    posicao,
    id,
    comercianteId,
    tipo: type,
    em: time,
    corpo: avisoBody(type, time, told),
    rastro: traceparent ?? null,
  }
}

/** The orders' log, as it is told: each event is noted for whoever wants to hear of it. */
export const PEDIDOS: Group<PedidoDito, number> = {
  group: AVISOS_GROUP,
  inbox: PEDIDOS_INBOX,
  read: readPedido,
  effect: {
    columns: [
      { name: 'comerciante_id', type: 'text', value: (row) => row.comercianteId },
      { name: 'tipo', type: 'text', value: (row) => row.tipo },
      { name: 'em', type: 'timestamptz', value: (row) => row.em },
      { name: 'corpo', type: 'text', value: (row) => row.corpo },
      { name: 'rastro', type: 'text', value: (row) => row.rastro },
    ],
    ctes: `
ditos as (
  select n.posicao as ordem, n.id, n.comerciante_id, n.tipo, n.em, n.corpo, n.rastro from novos n
),
${NOTE_DITOS}`,
    result: '(select count(*)::text from avisados)',
    parse: (json) => Number(json),
  },
}
