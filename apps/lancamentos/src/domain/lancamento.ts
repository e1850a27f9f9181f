import type { Cents } from '@fluxo/shared/money'

/** The two kinds of entry: money in, money out. */
export const TIPOS = ['CREDITO', 'DEBITO'] as const
export type Tipo = (typeof TIPOS)[number]

/** Longest `descricao` and `referencia`, in characters (Unicode code points), not bytes or UTF-16 units. */
export const DESCRICAO_CHARS_MAX = 255
export const REFERENCIA_CHARS_MAX = 128

/** What a merchant asks to be recorded, already parsed: trimmed, exact and within every limit of `pedido.ts`. */
export type NovoLancamento = {
  tipo: Tipo
  valor: Cents
  /** Calendar day `YYYY-MM-DD`. */
  data: string
  descricao: string
  /** The merchant's own name for the entry, unique per merchant. */
  referencia?: string | undefined
}

/** An entry of the ledger. Never changed: a mistake is corrected by another entry that points at it (`estorna`). */
export type Lancamento = NovoLancamento & {
  /** UUIDv7, lower case. */
  id: string
  comercianteId: string
  /** Id of the entry that this one reverses. */
  estorna?: string | undefined
  createdAt: Date
  /** W3C `traceparent` of the request that recorded it. */
  traceparent?: string | undefined
}

/** The other kind: what a reversal of `tipo` is. */
export const oppositeTipo = (tipo: Tipo): Tipo => (tipo === 'CREDITO' ? 'DEBITO' : 'CREDITO')
