import type { LiveEvent } from '@fluxo/shared/live/audience'

/** A quote within a JSON string is escaped, so no text of a merchant can look like this. */
const PEDIDO = /"order_id":"([0-9a-f-]{36})"/

/** Of which order an event of the log speaks, without parsing it. */
export const pedidoOf = (body: string): string | undefined => PEDIDO.exec(body)?.[1]

/** An item of `GET /orders/{id}/events` as a stream tells it. */
export const liveEvent = (seq: number, item: LiveEvent['data']): LiveEvent => ({
  seq,
  event: 'order.status',
  data: item,
})

/** What the public may know of an event: neither who nor what was written, since merchants write anything. */
export const publicItem = (item: LiveEvent['data']): LiveEvent['data'] => {
  const { status, timestamp, seq, occurred_at, reason } = item
  return { status, timestamp, seq, occurred_at, ...(reason !== undefined && { reason }) }
}
