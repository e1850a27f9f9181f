import type { Lancamento, Pedido } from '../domain/lancamento.ts'

/** Who asks, and what the edge adds: id and time arrive as values, so the same request always gives the same entry. */
export type Contexto = { comercianteId: string; id: string; agora: Date; rastro?: string | undefined }

/** Makes the entry that a request asks for. What may not be an entry was refused when the request was parsed. */
export const registrarLancamento = (pedido: Pedido, { comercianteId, id, agora, rastro }: Contexto): Lancamento => ({
  ...pedido,
  id,
  comercianteId,
  createdAt: agora,
  ...(rastro !== undefined && { rastro }),
})
