import type { Run } from '@fluxo/shared/inbox/runs'
import { decimalFromCents } from '@fluxo/shared/money'
import { type Saldo, saldoJson, VERSOES_POR_GERACAO } from '../domain/saldo.ts'

/** Amounts of a day in cents, and how many entries they come from. */
export type Soma = { creditos: bigint; debitos: bigint; quantidade: number }

/** What is wrong and where. `saldo`, `versao` and `cache` name a merchant's day, the others a partition of the log. */
export type Diferenca =
  /** The day's balance (null: there is no row) is not the sum of the ledger's entries. */
  | { tipo: 'saldo'; comercianteId: string; data: string; razao: Soma; saldo: Soma | null }
  | { tipo: 'versao' | 'cache'; comercianteId: string; data: string; motivo: string }
  | { tipo: 'razao' | 'inbox' | 'epoca' | 'relay' | 'carta'; particao: number; motivo: string }

/** The inbox of a partition as it is stored, runs and not holes: nothing of it is taken for granted here. */
export type MarcaCrua = {
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
export type SaldoGuardado = Soma & { versao: number }

export const semNada: Soma = { creditos: 0n, debitos: 0n, quantidade: 0 }

/** The highest position that the inbox says was applied. */
export const maisAlta = ({ aplicadaAte, adiante }: MarcaCrua): number => adiante.at(-1)?.ate ?? aplicadaAte

/** Whether the inbox says that a position was applied. */
export const estaAplicada = ({ aplicadaAte, adiante }: MarcaCrua, posicao: number): boolean =>
  posicao <= aplicadaAte || adiante.some(({ de, ate }) => posicao >= de && posicao <= ate)

const iguais = (a: Soma, b: Soma): boolean =>
  a.creditos === b.creditos && a.debitos === b.debitos && a.quantidade === b.quantidade

/** Compares one day: what the ledger's entries add up to, and the row of the balances (undefined where there is none). */
export function conferirDia(
  { comercianteId, data }: { comercianteId: string; data: string },
  razao: Soma,
  saldo: SaldoGuardado | undefined,
  geracao: number,
): Diferenca[] {
  const achadas: Diferenca[] = []
  const { creditos, debitos, quantidade } = saldo ?? semNada
  // An empty row is not an absent one, but says the same to a reader; a row is only ever made with an entry.
  if (!iguais(razao, { creditos, debitos, quantidade }) || (saldo !== undefined && razao.quantidade === 0)) {
    achadas.push({ tipo: 'saldo', comercianteId, data, razao, saldo: saldo ? { creditos, debitos, quantidade } : null })
  }
  if (saldo === undefined) return achadas
  // Each applying statement brings at least one entry and adds one to the version.
  const passos = saldo.versao - geracao * VERSOES_POR_GERACAO
  if (passos < 1 || passos > quantidade) {
    const motivo = `version ${saldo.versao} is not one that ${quantidade} entries of generation ${geracao} lead to`
    achadas.push({ tipo: 'versao', comercianteId, data, motivo })
  }
  return achadas
}

/** What the ledger says of a partition: its epoch, its head, and the id of the event at the inbox's last position. */
type Cabeca = { epoca: string; ultima: number; idNaUltima: string | undefined }

/** Compares the inbox of a partition with itself and with the ledger. */
export function conferirMarca(marca: MarcaCrua, cabeca: Cabeca): Diferenca[] {
  const { particao, aplicadaAte, adiante, ultimaPosicao, ultimoId } = marca
  const achadas: Diferenca[] = []
  const inbox = (motivo: string) => achadas.push({ tipo: 'inbox', particao, motivo })
  const epoca = (motivo: string) => achadas.push({ tipo: 'epoca', particao, motivo })
  if (marca.divergente !== null) epoca(`the projection stands still: ${marca.divergente}`)
  if (marca.epoca !== null && marca.epoca !== cabeca.epoca) {
    epoca(`the balances follow the log ${marca.epoca}, the ledger is ${cabeca.epoca}`)
  }
  if (maisAlta(marca) !== ultimaPosicao) {
    inbox(`the highest position applied is ${maisAlta(marca)} by the watermark and ${ultimaPosicao} by the last event`)
  }
  if (adiante.some(({ de }) => de <= aplicadaAte + 1)) {
    inbox(`a run beyond the watermark ${aplicadaAte} does not stand beyond it`)
  }
  const fim = Math.max(maisAlta(marca), ultimaPosicao)
  if (fim > cabeca.ultima) epoca(`position ${fim} was applied, and the ledger ends at ${cabeca.ultima}`)
  else if (ultimoId !== null && cabeca.idNaUltima !== undefined && cabeca.idNaUltima !== ultimoId) {
    epoca(`position ${ultimaPosicao} was applied as ${ultimoId}, and is ${cabeca.idNaUltima} in the ledger`)
  }
  return achadas
}

export type EmCache = { versao: number; body: string }

/** Without the time of change, which a rebuild renews for days that it leaves as they were. */
const valoresDe = (body: string): string => body.slice(0, body.lastIndexOf(',"atualizado_em"'))

/**
 * Compares a cached day with its row, read **after** it: the cache is written after the commit, so it is never newer.
 * `atrasado` may be right in a moment, as the write-through follows the commit; look again before it is told.
 */
export function conferirEmCache(
  emCache: EmCache,
  saldo: Saldo,
): { estado: 'certo' | 'atrasado' } | { estado: 'errado'; motivo: string } {
  const body = saldoJson(saldo)
  if (emCache.versao > saldo.versao) {
    return { estado: 'errado', motivo: `cached as version ${emCache.versao}, and its row is at ${saldo.versao}` }
  }
  if (emCache.versao === saldo.versao) {
    return emCache.body === body ? { estado: 'certo' } : { estado: 'errado', motivo: diz(emCache, body) }
  }
  return { estado: valoresDe(emCache.body) === valoresDe(body) ? 'certo' : 'atrasado' }
}

export const diz = ({ versao, body }: EmCache, certo: string): string =>
  `cached at version ${versao} as ${body}, and its row says ${certo}`

const somaDe = ({ creditos, debitos, quantidade }: Soma): string =>
  `+${decimalFromCents(creditos)} -${decimalFromCents(debitos)} (${quantidade})`

/** A difference as one line for an operator: merchant and day, or partition, then what is and what should be, in Reais. */
export function linhaDe(d: Diferenca): string {
  if (d.tipo === 'saldo') {
    const saldo = d.saldo === null ? 'absent' : somaDe(d.saldo)
    return `saldo   ${d.comercianteId} ${d.data}: the ledger says ${somaDe(d.razao)}, the balance is ${saldo}`
  }
  const onde = 'particao' in d ? `partition ${d.particao}` : `${d.comercianteId} ${d.data}`
  return `${d.tipo.padEnd(7)} ${onde}: ${d.motivo}`
}

const emReais = ({ creditos, debitos, quantidade }: Soma) => ({
  creditos: decimalFromCents(creditos),
  debitos: decimalFromCents(debitos),
  quantidade,
})

/** A difference for a program: amounts as decimal text, exact. */
export const jsonDe = (d: Diferenca): Record<string, unknown> =>
  d.tipo === 'saldo' ? { ...d, razao: emReais(d.razao), saldo: d.saldo && emReais(d.saldo) } : d
