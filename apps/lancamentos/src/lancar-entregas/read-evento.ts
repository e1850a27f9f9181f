import { COMERCIANTE_ID } from '@fluxo/shared/id'
import { type Reader, readData } from '@fluxo/shared/log/event'
import { centsFromDecimal } from '@fluxo/shared/money'
import { z } from 'zod'
import type { EntregaPaga } from './lancar-entregas.ts'

/** An order's event as the ledger follows it; `entrega` is absent where it is no money. */
export type EntregaEvento = { posicao: number; id: string; entrega?: EntregaPaga | undefined }

/** The facts that the ledger knows: delivered; returned; and corrected, where a delivery turned out to be none. */
const DELIVERED = 'pedido.entregue.v1'
const RETURNED = 'pedido.devolvido.v1'
const CORRECTED = 'pedido.corrigido.v1'
/** Another version of them is another fact: it must not be passed over in silence. */
const OTHER_VERSION = /^pedido\.(entregue|devolvido|corrigido)\.v(?!1$)/

const idAndTime = z.iso.datetime({ offset: true }).transform((text) => new Date(text))
const EntregaDataSchema = z.object({
  order_id: z.guid(),
  comerciante_id: z.string().regex(COMERCIANTE_ID),
  previous_status: z.string().nullish(),
  occurred_at: idAndTime,
  valor: z.string().optional(),
  delivery: z.int().positive().optional(),
  delivered_at: idAndTime.optional(),
})

/** Reads an event of the orders' log. Fields that it does not know are ignored. */
export const readEntregaPaga: Reader<EntregaEvento> = (evento, posicao) => {
  const { id, type, traceparent } = evento
  if (OTHER_VERSION.test(type)) return `unknown type: ${type}`
  if (type !== DELIVERED && type !== RETURNED && type !== CORRECTED) return { posicao, id }
  const fields = readData(EntregaDataSchema, evento)
  if (typeof fields === 'string') return fields
  const entrega = entregaOf(type, fields, traceparent)
  return entrega === 'sem valor' ? 'data.valor: not a positive amount' : { posicao, id, entrega }
}

type EntregaData = z.output<typeof EntregaDataSchema>

/** The money of an event: none where nothing is paid, or where what is taken back was no delivery. */
function entregaOf(
  type: string,
  fields: EntregaData,
  parentTrace: string | undefined,
): EntregaPaga | undefined | 'sem valor' {
  const { valor: text, delivery: deliveryNumber, delivered_at: deliveredAt, occurred_at: occurredAt } = fields
  if (text === undefined || deliveryNumber === undefined || deliveredAt === undefined) return undefined
  if (type === CORRECTED && fields.previous_status !== 'DELIVERED') return undefined
  const valor = centsFromDecimal(text)
  if (valor === undefined || valor === 0n) return 'sem valor'
  return {
    comercianteId: fields.comerciante_id,
    pedidoId: fields.order_id,
    deliveryNumber,
    valor,
    deliveredAt,
    ...(type !== DELIVERED && { returnedAt: occurredAt }),
    traceparent: parentTrace,
  }
}
