import { dayInSaoPaulo } from '@fluxo/shared/day'
import type { Lancamento } from '../domain/lancamento.ts'
import { estornarLancamento } from '../estornar/estornar.ts'

/** What the ledger needs of an order's event: a delivery that was paid, or one that was taken back. */
export type EntregaPaga = {
  comercianteId: string
  pedidoId: string
  /** 1 for the order's first delivery; a delivery that was corrected and happened again is the second. */
  deliveryNumber: number
  /** Cents. */
  valor: bigint
  deliveredAt: Date
  /** When it was taken back; absent for the delivery itself. */
  returnedAt?: Date | undefined
  traceparent: string | undefined
}

/** Id, time and trace arrive as values, so the same event always gives the same entry. */
type IdAndTime = { id: string; now: Date }

/** The merchant's entries name the order; a second delivery of one order is another entry. */
const referenciaOf = ({ pedidoId, deliveryNumber }: EntregaPaga): string =>
  deliveryNumber === 1 ? `pedido:${pedidoId}` : `pedido:${pedidoId}:${deliveryNumber}`

/** The keys by which an event's entries are known, however often it comes. */
export const entregaChave = ({ pedidoId, deliveryNumber }: EntregaPaga): string =>
  `pedido:${pedidoId}:entregue:${deliveryNumber}`
export const returnChave = ({ pedidoId, deliveryNumber }: EntregaPaga): string =>
  `pedido:${pedidoId}:devolvido:${deliveryNumber}`

/** The entry of a paid delivery: a credit on the day of the delivery, as clocks in São Paulo show it. */
export const entregaLancamento = (entrega: EntregaPaga, { id, now }: IdAndTime): Lancamento => ({
  id,
  comercianteId: entrega.comercianteId,
  tipo: 'CREDITO',
  valor: entrega.valor,
  data: dayInSaoPaulo(entrega.deliveredAt),
  descricao: `Pedido ${entrega.pedidoId} entregue`,
  referencia: referenciaOf(entrega),
  createdAt: now,
  traceparent: entrega.traceparent,
})

/** The reversal of a paid delivery, on the day on which the goods came back. */
export const entregaEstorno = (
  original: Lancamento,
  { pedidoId, traceparent }: EntregaPaga,
  returnedAt: Date,
  { id, now }: IdAndTime,
): Lancamento =>
  estornarLancamento(
    original,
    { descricao: `Pedido ${pedidoId} devolvido`, data: dayInSaoPaulo(returnedAt) },
    { id, now, traceparent },
  )
