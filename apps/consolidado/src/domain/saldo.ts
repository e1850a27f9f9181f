import { decimalFromCents } from '@fluxo/shared/money'

/** One merchant's day as projected: amounts in cents, `atualizadoEm` ISO 8601 in UTC, or null where nothing was recorded. */
export type Saldo = {
  comercianteId: string
  /** `YYYY-MM-DD` */
  data: string
  creditos: bigint
  debitos: bigint
  quantidade: number
  /** Grows with every change of the day, also across rebuilds: the ETag, and what decides in the cache. */
  versao: number
  atualizadoEm: string | null
}

/**
 * Versions that one generation of the projection has for one day.
 *
 * A rebuilt generation starts above every version of the one before, so whatever it writes is newer. 2^40 changes of
 * one day and 2^13 rebuilds both fit in the 2^53 of a JavaScript number.
 */
export const VERSOES_PER_GERACAO = 2 ** 40

/** The version below all versions of a generation: that of a day without entries in it. */
export const firstVersao = (geracao: number): number => geracao * VERSOES_PER_GERACAO

/** The balance of a day without entries: zeros, never an absence. */
export const emptySaldo = (comercianteId: string, data: string, geracao: number): Saldo => ({
  comercianteId,
  data,
  creditos: 0n,
  debitos: 0n,
  quantidade: 0,
  versao: firstVersao(geracao),
  atualizadoEm: null,
})

/** Where the day is kept in the cache. The braces keep one merchant's days on one slot of a Redis Cluster. */
export const saldoKey = (comercianteId: string, data: string): string => `{${comercianteId}}:${data}`

/** What both forms of a day have in common. Amounts are JSON numbers with exactly two decimals, so they are written by hand, from the cents. */
const commonJson = ({ data, creditos, debitos, quantidade }: Saldo): string =>
  `"data":"${data}","total_creditos":${decimalFromCents(creditos)},"total_debitos":${decimalFromCents(debitos)}` +
  `,"saldo_final":${decimalFromCents(creditos - debitos)},"quantidade":${quantidade}`

/**
 * The body of `GET /consolidado/{data}`, ready to be sent and cached. Neither `data` nor `atualizadoEm` can hold a character that JSON
 * would escape.
 */
export function saldoJson(saldo: Saldo): string {
  const atualizadoEm = saldo.atualizadoEm === null ? 'null' : `"${saldo.atualizadoEm}"`
  return `{${commonJson(saldo)},"atualizado_em":${atualizadoEm}}`
}

/** The body of `GET /saldos`: of two states of a day, the one with the higher version is the later one. */
export const stateJson = (saldo: Saldo): string => `{${commonJson(saldo)},"versao":${saldo.versao}}`
