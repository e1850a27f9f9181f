import { hash } from 'node:crypto'
import type { Codigo } from '@fluxo/shared/codigos/codigos'
import { DomainError, type InvalidField, invariant } from '@fluxo/shared/errors'
import { isAccepted } from '@fluxo/shared/outcome'
import type { Registration } from '../registrar/registration.ts'

/** Why an entry of a batch is refused; `id` names the entry that stands in its way. */
type EntryError = { codigo: Codigo; mensagem: string; campo?: string; id?: string }

/** What became of one entry; `line` is its place in the batch, from 1. */
export type LoteResult = { linha: number; situacao: 'criado' | 'repetido'; id: string } | RefusedEntry
export type RefusedEntry = { linha: number; situacao: 'recusado'; erro: EntryError }

/** Entries of one batch at most: some tenths of a second of work. More belongs into an import. */
export const ENTRIES_MAX = 10_000

/** Reasons that the refusal of an atomic batch lists. */
const MOTIVOS_MAX = 100

/**
 * Entries of one batch with the same `referencia`. Each of them has to see the one before, in a statement of its own: ten thousand of
 * them would keep an atomic batch's transaction open, and everybody's writes waiting, for as many round trips.
 */
const REPETITIONS_MAX = 10

export const loteEmpty = () => new DomainError('lote-vazio', 'O lote não tem nenhum lançamento.')

export const loteTooLarge = () =>
  new DomainError(
    'lote-grande-demais',
    `O lote tem mais de ${ENTRIES_MAX} lançamentos. Divida-o, ou envie um CSV a /lancamentos/importacoes.`,
  )

/** The refusal of a batch with an entry that would be refused alone, too, for its length. */
export const entryTooLarge = (line: number) =>
  new DomainError('corpo-grande-demais', `O lançamento ${line} do lote é grande demais.`)

/** Refuses an entry whose `referencia` the entries before it have had too often. */
export function createRepetitions(): (line: number, referencia: string | undefined) => RefusedEntry | undefined {
  const times = new Map<string, number>()
  return (line, referencia) => {
    if (referencia === undefined) return undefined
    const turn = (times.get(referencia) ?? 0) + 1
    times.set(referencia, turn)
    if (turn <= REPETITIONS_MAX) return undefined
    const message = `Esta referencia está em mais de ${REPETITIONS_MAX} lançamentos do lote.`
    return {
      linha: line,
      situacao: 'recusado',
      erro: { codigo: 'referencia-repetida', mensagem: message, campo: 'referencia' },
    }
  }
}

/** Hex digits of a derived key: 128 bits. */
const CHAVE_HEX_DIGITS = 32

/** The key of one entry, from the request's: a batch that is sent again finds each of its entries again. */
export const entryChave = (chave: string | undefined, line: number): string | undefined =>
  chave && `lote:${hash('sha256', `${line}:${chave}`, 'hex').slice(0, CHAVE_HEX_DIGITS)}`

/** The refusal of an entry that is no `Pedido`: its first wrong field. */
export function refusedByFields(line: number, errors: readonly InvalidField[]): RefusedEntry {
  const { campo, mensagem: message } = errors[0] ?? { campo: '', mensagem: 'Entrada inválida.' }
  return {
    linha: line,
    situacao: 'recusado',
    erro: { codigo: 'dados-invalidos', mensagem: message, ...(campo && { campo }) },
  }
}

/** What became of an entry in the ledger. One with a known `referencia` and the same content is simply there already. */
export function resultOf(line: number, registration: Registration): LoteResult {
  const { id } = registration.lancamento
  if (registration.outcome === 'created') return { linha: line, situacao: 'criado', id }
  if (isAccepted(registration)) return { linha: line, situacao: 'repetido', id }
  if (registration.outcome === 'reference-conflict') {
    const message = 'Já existe um lançamento com esta referência e outro conteúdo.'
    return {
      linha: line,
      situacao: 'recusado',
      erro: { codigo: 'referencia-duplicada', mensagem: message, campo: 'referencia', id },
    }
  }
  invariant(registration.outcome === 'key-conflict', 'an entry of a batch reverses nothing')
  const message = 'A chave já registrou outro lançamento nesta linha.'
  return { linha: line, situacao: 'recusado', erro: { codigo: 'chave-reutilizada', mensagem: message, id } }
}

/** The refusal of a batch of `count` that had to be whole, with the entries that are refused. */
export function loteRefused(results: readonly LoteResult[], count: number): DomainError {
  const refused = results.filter(({ situacao }) => situacao === 'recusado')
  return new DomainError(
    'lote-recusado',
    `Nada foi registrado: ${refused.length} de ${count} lançamentos foram recusados.`,
    {
      recusados: refused.length,
      resultados: refused.slice(0, MOTIVOS_MAX),
    },
  )
}
