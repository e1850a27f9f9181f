import { decimalFromCents } from '@fluxo/shared/money'
import type { EventoSource } from './change.ts'
import type { FailureReason, Status } from './status.ts'

/** The orders' log, as `Fluxo-Posicao` names it. */
export const PEDIDOS_LOG = 'pedidos'

/** Streams of the orders' events: one per partition, `fluxo:pedidos:{0}`. */
export const STREAM_PREFIX = 'fluxo:pedidos'

/** The past fact that each change of status is. A breaking change of its data gets a new name, `.v2`. */
const STATUS_FACT: Readonly<Record<Status, string>> = {
  RECEIVED: 'pedido.recebido.v1',
  SEPARATED: 'pedido.separado.v1',
  IN_TRANSIT: 'pedido.em-transporte.v1',
  OUT_FOR_DELIVERY: 'pedido.saiu-para-entrega.v1',
  DELIVERY_FAILED: 'pedido.entrega-falhou.v1',
  AVAILABLE_FOR_PICKUP: 'pedido.aguarda-retirada.v1',
  DELIVERED: 'pedido.entregue.v1',
  RETURNING: 'pedido.em-devolucao.v1',
  RETURNED: 'pedido.devolvido.v1',
  CANCELLED: 'pedido.cancelado.v1',
  LOST: 'pedido.extraviado.v1',
  DAMAGED: 'pedido.avariado.v1',
}
const NOTED = 'pedido.anotado.v1'
const CORRECTED = 'pedido.corrigido.v1'

/** Every type that an event of the log may have. */
export const FACTS: readonly string[] = [...Object.values(STATUS_FACT), NOTED, CORRECTED]

/** What kind of event it is: a change of status, a note, or the correction of the change before. */
export type EventoKind = 'change' | 'note' | 'correction'

/** One event of an order, as it is stored. */
export type PedidoEvento = {
  id: string
  pedidoId: string
  comercianteId: string
  /** 1 for the first event of the order, without gaps. */
  seq: number
  especie: EventoKind
  /** The order's status after the event. */
  status: Status
  anterior: Status | undefined
  reason: FailureReason | undefined
  note: string | undefined
  location: string | undefined
  actor: string
  source: EventoSource
  codigo: string | undefined
  informado: Status | undefined
  /** How many attempts had failed, and how many deliveries there had been, this event included. */
  tentativas: number
  entregas: number
  /** When the last delivery happened. */
  deliveredAt: Date | undefined
  valor: bigint | undefined
  occurredAt: Date
  createdAt: Date
  traceparent: string | undefined
}

/** The type of the event on the stream. */
export const factOf = ({ especie: kind, status }: Pick<PedidoEvento, 'especie' | 'status'>): string =>
  kind === 'note' ? NOTED : kind === 'correction' ? CORRECTED : STATUS_FACT[status]

/** The carrier's own words as they are told: `BDE 20`, and the parcel's tracking code apart. */
const carrierFields = (codigo: string) => {
  const [tipo, status, trackingCode] = codigo.split(' ')
  return { carrier_code: `${tipo} ${status}`, ...(trackingCode !== undefined && { tracking_code: trackingCode }) }
}

const optionalFields = (e: PedidoEvento) => ({
  ...(e.reason !== undefined && { reason: e.reason }),
  ...(e.note !== undefined && { note: e.note }),
  ...(e.location !== undefined && { location: e.location }),
  ...(e.codigo !== undefined && carrierFields(e.codigo)),
  ...(e.informado !== undefined && { reported_status: e.informado }),
  ...(e.status === 'DELIVERY_FAILED' && { attempt: e.tentativas }),
})

/** `data` of the event on the stream. Neither name nor address: no reader needs them, and what is not sent cannot leak. */
export const eventoData = (e: PedidoEvento) => ({
  order_id: e.pedidoId,
  comerciante_id: e.comercianteId,
  seq: e.seq,
  status: e.status,
  previous_status: e.anterior ?? null,
  ...optionalFields(e),
  actor: e.actor,
  source: e.source,
  occurred_at: e.occurredAt.toISOString(),
  ...(e.valor !== undefined && { valor: decimalFromCents(e.valor) }),
  ...(e.entregas > 0 && { delivery: e.entregas, delivered_at: (e.deliveredAt ?? e.occurredAt).toISOString() }),
})

/** The event as `GET /orders/{id}/events` shows it. */
export const eventoJson = (e: PedidoEvento) => ({
  id: e.id,
  order_id: e.pedidoId,
  status: e.status,
  timestamp: e.createdAt.toISOString(),
  seq: e.seq,
  previous_status: e.anterior ?? null,
  ...optionalFields(e),
  actor: e.actor,
  occurred_at: e.occurredAt.toISOString(),
  source: e.source,
})
