import { hash } from 'node:crypto'
import type { Mudanca } from './mudanca.ts'
import type { Cancelamento, NovoPedido } from './pedido.ts'

/** Hex digits kept of the SHA-256: 128 bits, far beyond any accident, in half the space of every row. */
const HEX_DIGITS = 32

/** Texts carry their length, so that moving a character from one field to its neighbour always changes the whole. */
const campo = (texto: string | undefined): string => (texto === undefined ? '-' : `${texto.length}:${texto}`)
const impressao = (campos: readonly (string | undefined)[]): string =>
  hash('sha256', campos.map(campo).join('|'), 'hex').slice(0, HEX_DIGITS)

/** Fingerprint of what an order says, 16 bytes as 32 hex digits. Equal content, equal fingerprint, in every version to come. */
export const impressaoDoPedido = (p: NovoPedido): string =>
  impressao(['pedido', p.customerName, p.address, p.valor?.toString(), p.referencia])

/** Fingerprint of what a change asks for. The time counts only where the request names it, so it is not part of it. */
export const impressaoDaMudanca = ({ pedidoId, para, relato, versao, impressao: pedida }: Mudanca): string =>
  pedida ??
  impressao(['mudanca', pedidoId, para, relato.reason, relato.note, relato.location, relato.codigo, versao?.toString()])

/** Fingerprint of what a cancellation asks for, whatever it leads to. */
export const impressaoDoCancelamento = (pedidoId: string, { note, version }: Cancelamento): string =>
  impressao(['cancelamento', pedidoId, note, version?.toString()])

/** The key under which a carrier's event is known when it is told again: it has no id of its own. */
export const chaveDoInforme = (pedidoId: string, partes: readonly string[]): string =>
  `sro:${impressao([pedidoId, ...partes])}`
