import { diaEmSaoPaulo } from '@fluxo/shared/dia'
import { DomainError } from '@fluxo/shared/errors'
import { cortar } from '@fluxo/shared/texto'
import { DESCRICAO_CARACTERES_MAX, type Lancamento, tipoOposto } from '../domain/lancamento.ts'

/** What a merchant may say about a reversal; nothing of it is needed. */
export type PedidoDeEstorno = { descricao?: string | undefined; data?: string | undefined }

/**
 * Decides the entry that reverses `original`: the other kind, the same amount, a pointer to it.
 *
 * Without `data` it falls on **today** in São Paulo, not on the day of the original: the books of a past day may already
 * have been read, printed or taxed, and they change only where the merchant says so.
 */
export function estornarLancamento(
  original: Lancamento,
  pedido: PedidoDeEstorno,
  { id, agora, rastro }: { id: string; agora: Date; rastro?: string | undefined },
): Lancamento {
  if (original.estorna !== undefined) {
    throw new DomainError('estorno-de-estorno', 'Um estorno não pode ser estornado. Registre um novo lançamento.')
  }
  return {
    id,
    comercianteId: original.comercianteId,
    tipo: tipoOposto(original.tipo),
    valor: original.valor,
    data: pedido.data ?? diaEmSaoPaulo(agora),
    descricao: pedido.descricao ?? cortar(`Estorno: ${original.descricao}`, DESCRICAO_CARACTERES_MAX),
    estorna: original.id,
    createdAt: agora,
    rastro,
  }
}

/**
 * Whether a reversal that a key registered earlier is what this request asks for again. Only what the request says
 * counts: `data` by default was another day when the first one came, and the retry must still get that first answer.
 */
export const pedeOMesmo = (registrado: Lancamento, originalId: string, pedido: PedidoDeEstorno): boolean =>
  registrado.estorna === originalId &&
  (pedido.data === undefined || pedido.data === registrado.data) &&
  (pedido.descricao === undefined || pedido.descricao === registrado.descricao)
