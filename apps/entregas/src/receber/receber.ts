import type { NewPedido, Pedido } from '../domain/pedido.ts'

/** Who asks, and what the edge adds: id and times arrive as values, so the same request always gives the same order. */
export type PedidoContext = { comercianteId: string; id: string; now: Date; occurredAt?: Date | undefined }

/** Makes the order that a request asks for. What may not be an order was refused when the request was parsed. */
export const receberPedido = (
  newPedido: NewPedido,
  { comercianteId, id, now, occurredAt = now }: PedidoContext,
): Pedido => ({
  ...newPedido,
  id,
  comercianteId,
  status: 'RECEIVED',
  version: 1,
  tentativas: 0,
  corrigivel: undefined,
  occurredAt,
  createdAt: now,
  updatedAt: now,
})
