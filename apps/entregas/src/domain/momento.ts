import { diaValido } from '@fluxo/shared/dia'

/** RFC 3339 with an offset: a time without one is another moment in every place. */
const MOMENTO = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
export const MENSAGEM_DE_MOMENTO = 'Deve ser data e hora com fuso, como 2025-10-15T12:34:56-03:00.'

/** Reads a moment; `undefined` where the text is none. `Date.parse` alone takes 30 February for 2 March. */
export function lerMomento(texto: string): Date | undefined {
  const dia = MOMENTO.exec(texto)?.[1] ?? ''
  const ms = diaValido(dia) ? Date.parse(texto) : Number.NaN
  return Number.isNaN(ms) ? undefined : new Date(ms)
}

/** Clocks differ: an event may be this far in the future of ours. */
const FUTURO_MAX_MS = 5 * 60_000
export const MENSAGEM_DE_FUTURO = 'Não pode estar no futuro.'

/** True for what has not happened yet. */
export const noFuturo = (momento: Date, agora: Date): boolean => momento.getTime() > agora.getTime() + FUTURO_MAX_MS
