import { decimalFromCents } from '@fluxo/shared/money'
import type { Pedido } from './pedido.ts'

/** The fields of an order that every answer has; `valor` by hand, since `JSON.stringify` cannot write two decimals. */
const fields = (p: Pedido): string => {
  const valor = p.valor === undefined ? '' : `,"valor":${decimalFromCents(p.valor)}`
  const referencia = p.referencia === undefined ? '' : `,"referencia":${JSON.stringify(p.referencia)}`
  return (
    `"id":"${p.id}","customer_name":${JSON.stringify(p.customerName)},"address":${JSON.stringify(p.address)},` +
    `"status":"${p.status}","created_at":"${p.createdAt.toISOString()}"${valor}${referencia}`
  )
}

/** The JSON text of an order that was just received. */
export const createdPedidoJson = (p: Pedido): string => `{${fields(p)}}`

/** The JSON text of an order as it stands. */
export const pedidoJson = (p: Pedido): string =>
  `{${fields(p)},"version":${p.version},"updated_at":"${p.updatedAt.toISOString()}"}`
