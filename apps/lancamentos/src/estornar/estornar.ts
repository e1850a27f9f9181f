import { dayInSaoPaulo } from '@fluxo/shared/day'
import { DomainError } from '@fluxo/shared/errors'
import { truncate } from '@fluxo/shared/text'
import { DESCRICAO_CHARS_MAX, type Lancamento, oppositeTipo } from '../domain/lancamento.ts'

/** What a merchant may say about a reversal; nothing of it is needed. */
export type EstornoRequest = { descricao?: string | undefined; data?: string | undefined }

/**
 * Decides the entry that reverses `original`: the other kind, the same amount, a pointer to it.
 *
 * Without `data` it falls on **today** in São Paulo, not on the day of the original: the books of a past day may already
 * have been read, printed or taxed, and they change only where the merchant says so.
 */
export function estornarLancamento(
  original: Lancamento,
  request: EstornoRequest,
  { id, now, traceparent }: { id: string; now: Date; traceparent?: string | undefined },
): Lancamento {
  if (original.estorna !== undefined) {
    throw new DomainError('estorno-de-estorno', 'Um estorno não pode ser estornado. Registre um novo lançamento.')
  }
  return {
    id,
    comercianteId: original.comercianteId,
    tipo: oppositeTipo(original.tipo),
    valor: original.valor,
    data: request.data ?? dayInSaoPaulo(now),
    descricao: request.descricao ?? truncate(`Estorno: ${original.descricao}`, DESCRICAO_CHARS_MAX),
    estorna: original.id,
    createdAt: now,
    traceparent,
  }
}

/**
 * Whether a reversal that a key registered earlier is what this request asks for again. Only what the request says
 * counts: `data` by default was another day when the first one came, and the retry must still get that first answer.
 */
export const asksTheSame = (registered: Lancamento, originalId: string, request: EstornoRequest): boolean =>
  registered.estorna === originalId &&
  (request.data === undefined || request.data === registered.data) &&
  (request.descricao === undefined || request.descricao === registered.descricao)
