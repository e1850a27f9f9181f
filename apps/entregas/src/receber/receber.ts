import type { NovoPedido, Pedido } from '../domain/pedido.ts'

/** Who asks, and what the edge adds: id and times arrive as values, so the same request always gives the same order. */
export type Contexto = { comercianteId: string; id: string; agora: Date; ocorridoEm?: Date | undefined }

/** Makes the order that a request asks for. What may not be an order was refused when the request was parsed. */
export const receberPedido = (
  novo: NovoPedido,
  { comercianteId, id, agora, ocorridoEm = agora }: Contexto,
): Pedido => ({
  ...novo,
  id,
  comercianteId,
  status: 'RECEIVED',
  version: 1,
  tentativas: 0,
  corrigivel: undefined,
  ocorridoEm,
  createdAt: agora,
  updatedAt: agora,
})
