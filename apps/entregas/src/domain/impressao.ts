import { hash } from 'node:crypto'
import type { PedidoChange } from './change.ts'
import type { Cancellation, NewPedido } from './pedido.ts'

/** Hex digits kept of the SHA-256: 128 bits, far beyond any accident, in half the space of every row. */
const HEX_DIGITS = 32

/** Texts carry their length, so that moving a character from one field to its neighbour always changes the whole. */
const field = (text: string | undefined): string => (text === undefined ? '-' : `${text.length}:${text}`)
const impressao = (fields: readonly (string | undefined)[]): string =>
  hash('sha256', fields.map(field).join('|'), 'hex').slice(0, HEX_DIGITS)

/** Fingerprint of what an order says, 16 bytes as 32 hex digits. Equal content, equal fingerprint, in every version to come. */
export const pedidoImpressao = (p: NewPedido): string =>
  impressao(['pedido', p.customerName, p.address, p.valor?.toString(), p.referencia])

/** Fingerprint of what a change asks for. The time counts only where the request names it, so it is not part of it. */
export const changeImpressao = ({ pedidoId, to, details, versao, impressao: given }: PedidoChange): string =>
  given ??
  impressao([
    'mudanca',
    pedidoId,
    to,
    details.reason,
    details.note,
    details.location,
    details.codigo,
    versao?.toString(),
  ])

/** Fingerprint of what a cancellation asks for, whatever it leads to. */
export const cancellationImpressao = (pedidoId: string, { note, version }: Cancellation): string =>
  impressao(['cancelamento', pedidoId, note, version?.toString()])

/** The key under which a carrier's event is known when it is told again: it has no id of its own. */
export const informeChave = (pedidoId: string, parts: readonly string[]): string =>
  `sro:${impressao([pedidoId, ...parts])}`
