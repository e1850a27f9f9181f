import { diaEmSaoPaulo } from '@fluxo/shared/dia'
import type { Lancamento } from '../domain/lancamento.ts'
import { estornarLancamento } from '../estornar/estornar.ts'

/** What the ledger needs of an order's event: a delivery that was paid, or one that was taken back. */
export type Entrega = {
  comercianteId: string
  pedidoId: string
  /** 1 for the order's first delivery; a delivery that was corrected and happened again is the second. */
  numero: number
  /** Cents. */
  valor: bigint
  entregueEm: Date
  /** When it was taken back; absent for the delivery itself. */
  devolvidoEm?: Date | undefined
  rastro: string | undefined
}

/** Id, time and trace arrive as values, so the same event always gives the same entry. */
type Momento = { id: string; agora: Date }

/** The merchant's entries name the order; a second delivery of one order is another entry. */
const referenciaDe = ({ pedidoId, numero }: Entrega): string =>
  numero === 1 ? `pedido:${pedidoId}` : `pedido:${pedidoId}:${numero}`

/** The keys by which an event's entries are known, however often it comes. */
export const chaveDaEntrega = ({ pedidoId, numero }: Entrega): string => `pedido:${pedidoId}:entregue:${numero}`
export const chaveDaDevolucao = ({ pedidoId, numero }: Entrega): string => `pedido:${pedidoId}:devolvido:${numero}`

/** The entry of a paid delivery: a credit on the day of the delivery, as clocks in São Paulo show it. */
export const lancamentoDaEntrega = (entrega: Entrega, { id, agora }: Momento): Lancamento => ({
  id,
  comercianteId: entrega.comercianteId,
  tipo: 'CREDITO',
  valor: entrega.valor,
  data: diaEmSaoPaulo(entrega.entregueEm),
  descricao: `Pedido ${entrega.pedidoId} entregue`,
  referencia: referenciaDe(entrega),
  createdAt: agora,
  rastro: entrega.rastro,
})

/** The reversal of a paid delivery, on the day on which the goods came back. */
export const estornoDaEntrega = (
  original: Lancamento,
  { pedidoId, rastro }: Entrega,
  devolvidoEm: Date,
  { id, agora }: Momento,
): Lancamento =>
  estornarLancamento(
    original,
    { descricao: `Pedido ${pedidoId} devolvido`, data: diaEmSaoPaulo(devolvidoEm) },
    { id, agora, rastro },
  )
