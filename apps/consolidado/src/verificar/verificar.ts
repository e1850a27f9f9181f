import type { Run } from '@fluxo/shared/inbox/runs'
import { decimalFromCents } from '@fluxo/shared/money'
import { type Saldo, saldoJson, VERSOES_PER_GERACAO } from '../domain/saldo.ts'

/** Amounts of a day in cents, and how many entries they come from. */
export type DayAmounts = { creditos: bigint; debitos: bigint; quantidade: number }

/** What is wrong and where. `saldo`, `versao` and `cache` name a merchant's day, the others a partition of the log. */
export type VerifyDifference =
  /** The day's balance (null: there is no row) is not the sum of the ledger's entries. */
  | { tipo: 'saldo'; comercianteId: string; data: string; razao: DayAmounts; saldo: DayAmounts | null }
  | { tipo: 'versao' | 'cache'; comercianteId: string; data: string; motivo: string }
  | { tipo: 'razao' | 'inbox' | 'epoca' | 'relay' | 'carta'; particao: number; motivo: string }

/** The inbox of a partition as it is stored, runs and not holes: nothing of it is taken for granted here. */
export type RawWatermark = {
  particao: number
  aplicadaAte: number
  /** Runs applied beyond the watermark, ascending. */
  adiante: readonly Run[]
  epoca: string | null
  ultimaPosicao: number
  ultimoId: string | null
  divergente: string | null
}

/** A day of the balances, as stored. */
export type StoredSaldo = DayAmounts & { versao: number }

export const NO_ENTRIES: DayAmounts = { creditos: 0n, debitos: 0n, quantidade: 0 }

/** The highest position that the inbox says was applied. */
export const highestApplied = ({ aplicadaAte, adiante }: RawWatermark): number => adiante.at(-1)?.to ?? aplicadaAte

/** Whether the inbox says that a position was applied. */
export const isApplied = ({ aplicadaAte, adiante }: RawWatermark, posicao: number): boolean =>
  posicao <= aplicadaAte || adiante.some(({ from: de, to: ate }) => posicao >= de && posicao <= ate)

const areEqual = (a: DayAmounts, b: DayAmounts): boolean =>
  a.creditos === b.creditos && a.debitos === b.debitos && a.quantidade === b.quantidade

/** Compares one day: what the ledger's entries add up to, and the row of the balances (undefined where there is none). */
export function verificarDay(
  { comercianteId, data }: { comercianteId: string; data: string },
  ledger: DayAmounts,
  saldo: StoredSaldo | undefined,
  geracao: number,
): VerifyDifference[] {
  const found: VerifyDifference[] = []
  const { creditos, debitos, quantidade } = saldo ?? NO_ENTRIES
  // An empty row is not an absent one, but says the same to a reader; a row is only ever made with an entry.
  if (!areEqual(ledger, { creditos, debitos, quantidade }) || (saldo !== undefined && ledger.quantidade === 0)) {
    found.push({
      tipo: 'saldo',
      comercianteId,
      data,
      razao: ledger,
      saldo: saldo ? { creditos, debitos, quantidade } : null,
    })
  }
  if (saldo === undefined) return found
  // Each applying statement brings at least one entry and adds one to the version.
  const steps = saldo.versao - geracao * VERSOES_PER_GERACAO
  if (steps < 1 || steps > quantidade) {
    const motivo = `version ${saldo.versao} is not one that ${quantidade} entries of generation ${geracao} lead to`
    found.push({ tipo: 'versao', comercianteId, data, motivo })
  }
  return found
}

/** What the ledger says of a partition: its epoch, its head, and the id of the event at the inbox's last position. */
type LedgerHead = { epoca: string; ultima: number; idAtUltima: string | undefined }

/** Compares the inbox of a partition with itself and with the ledger. */
export function verificarWatermark(watermark: RawWatermark, head: LedgerHead): VerifyDifference[] {
  const { particao, aplicadaAte, adiante, ultimaPosicao, ultimoId } = watermark
  const found: VerifyDifference[] = []
  const inbox = (motivo: string) => found.push({ tipo: 'inbox', particao, motivo })
  const epoca = (motivo: string) => found.push({ tipo: 'epoca', particao, motivo })
  if (watermark.divergente !== null) epoca(`the projection stands still: ${watermark.divergente}`)
  if (watermark.epoca !== null && watermark.epoca !== head.epoca) {
    epoca(`the balances follow the log ${watermark.epoca}, the ledger is ${head.epoca}`)
  }
  if (highestApplied(watermark) !== ultimaPosicao) {
    inbox(
      `the highest position applied is ${highestApplied(watermark)} by the watermark and ${ultimaPosicao} by the last event`,
    )
  }
  if (adiante.some(({ from: de }) => de <= aplicadaAte + 1)) {
    inbox(`a run beyond the watermark ${aplicadaAte} does not stand beyond it`)
  }
  const end = Math.max(highestApplied(watermark), ultimaPosicao)
  if (end > head.ultima) epoca(`position ${end} was applied, and the ledger ends at ${head.ultima}`)
  else if (ultimoId !== null && head.idAtUltima !== undefined && head.idAtUltima !== ultimoId) {
    epoca(`position ${ultimaPosicao} was applied as ${ultimoId}, and is ${head.idAtUltima} in the ledger`)
  }
  return found
}

export type CachedDay = { versao: number; body: string }

/** Without the time of change, which a rebuild renews for days that it leaves as they were. */
const amountsOf = (body: string): string => body.slice(0, body.lastIndexOf(',"atualizado_em"'))

/**
 * Compares a cached day with its row, read **after** it: the cache is written after the commit, so it is never newer.
 * `late` may be right in a moment, as the write-through follows the commit; look again before it is told.
 */
export function verificarCachedDay(
  cached: CachedDay,
  saldo: Saldo,
): { outcome: 'right' | 'late' } | { outcome: 'wrong'; motivo: string } {
  const body = saldoJson(saldo)
  if (cached.versao > saldo.versao) {
    return { outcome: 'wrong', motivo: `cached as version ${cached.versao}, and its row is at ${saldo.versao}` }
  }
  if (cached.versao === saldo.versao) {
    return cached.body === body ? { outcome: 'right' } : { outcome: 'wrong', motivo: saysOtherwise(cached, body) }
  }
  return { outcome: amountsOf(cached.body) === amountsOf(body) ? 'right' : 'late' }
}

export const saysOtherwise = ({ versao, body }: CachedDay, expected: string): string =>
  `cached at version ${versao} as ${body}, and its row says ${expected}`

const amountsText = ({ creditos, debitos, quantidade }: DayAmounts): string =>
  `+${decimalFromCents(creditos)} -${decimalFromCents(debitos)} (${quantidade})`

/** A difference as one line for an operator: merchant and day, or partition, then what is and what should be, in Reais. */
export function lineOf(d: VerifyDifference): string {
  if (d.tipo === 'saldo') {
    const saldo = d.saldo === null ? 'absent' : amountsText(d.saldo)
    return `saldo   ${d.comercianteId} ${d.data}: the ledger says ${amountsText(d.razao)}, the balance is ${saldo}`
  }
  const where = 'particao' in d ? `partition ${d.particao}` : `${d.comercianteId} ${d.data}`
  return `${d.tipo.padEnd(7)} ${where}: ${d.motivo}`
}

const inReais = ({ creditos, debitos, quantidade }: DayAmounts) => ({
  creditos: decimalFromCents(creditos),
  debitos: decimalFromCents(debitos),
  quantidade,
})

/** A difference for a program: amounts as decimal text, exact. */
export const jsonOf = (d: VerifyDifference): Record<string, unknown> =>
  d.tipo === 'saldo' ? { ...d, razao: inReais(d.razao), saldo: d.saldo && inReais(d.saldo) } : d
