import type { Lancamento, NovoLancamento } from '../domain/lancamento.ts'

/** Who asks, and what the edge adds: id and time arrive as values, so the same request always gives the same entry. */
export type LancamentoContext = { comercianteId: string; id: string; now: Date; traceparent?: string | undefined }

/** Makes the entry that a request asks for. What may not be an entry was refused when the request was parsed. */
export const registrarLancamento = (
  novo: NovoLancamento,
  { comercianteId, id, now, traceparent }: LancamentoContext,
): Lancamento => ({
  ...novo,
  id,
  comercianteId,
  createdAt: now,
  ...(traceparent !== undefined && { traceparent }),
})
