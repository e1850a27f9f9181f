import { hash } from 'node:crypto'
import type { Codigo } from '@fluxo/shared/codigos/codigos'
import { type CampoInvalido, DomainError, invariant } from '@fluxo/shared/errors'
import { aceito, type Registro } from '../registrar/registro.ts'

/** Why an entry of a batch is refused; `id` names the entry that stands in its way. */
type ErroDeEntrada = { codigo: Codigo; mensagem: string; campo?: string; id?: string }

/** What became of one entry; `linha` is its place in the batch, from 1. */
export type Resultado = { linha: number; situacao: 'criado' | 'repetido'; id: string } | Recusado
export type Recusado = { linha: number; situacao: 'recusado'; erro: ErroDeEntrada }

/** Entries of one batch at most (API.md): some tenths of a second of work. More belongs into an import. */
export const ENTRADAS_MAX = 10_000

/** Reasons that the refusal of an atomic batch lists. */
const MOTIVOS_MAX = 100

/**
 * Entries of one batch with the same `referencia`. Each of them has to see the one before, in a statement of its own: ten thousand of
 * them would keep an atomic batch's transaction open, and everybody's writes waiting, for as many round trips.
 */
const REPETICOES_MAX = 10

export const loteVazio = () => new DomainError('lote-vazio', 'O lote não tem nenhum lançamento.')

export const loteGrandeDemais = () =>
  new DomainError(
    'lote-grande-demais',
    `O lote tem mais de ${ENTRADAS_MAX} lançamentos. Divida-o, ou envie um CSV a /lancamentos/importacoes.`,
  )

/** The refusal of a batch with an entry that would be refused alone, too, for its length. */
export const entradaGrandeDemais = (linha: number) =>
  new DomainError('corpo-grande-demais', `O lançamento ${linha} do lote é grande demais.`)

/** Refuses an entry whose `referencia` the entries before it have had too often. */
export function createRepeticoes(): (linha: number, referencia: string | undefined) => Recusado | undefined {
  const vezes = new Map<string, number>()
  return (linha, referencia) => {
    if (referencia === undefined) return undefined
    const vez = (vezes.get(referencia) ?? 0) + 1
    vezes.set(referencia, vez)
    if (vez <= REPETICOES_MAX) return undefined
    const mensagem = `Esta referencia está em mais de ${REPETICOES_MAX} lançamentos do lote.`
    return { linha, situacao: 'recusado', erro: { codigo: 'referencia-repetida', mensagem, campo: 'referencia' } }
  }
}

/** Hex digits of a derived key: 128 bits. */
const CHAVE_HEX_DIGITS = 32

/** The key of one entry, from the request's: a batch that is sent again finds each of its entries again. */
export const chaveDaEntrada = (chave: string | undefined, linha: number): string | undefined =>
  chave && `lote:${hash('sha256', `${linha}:${chave}`, 'hex').slice(0, CHAVE_HEX_DIGITS)}`

/** The refusal of an entry that is no `Pedido`: its first wrong field. */
export function recusadoPorCampos(linha: number, erros: readonly CampoInvalido[]): Recusado {
  const { campo, mensagem } = erros[0] ?? { campo: '', mensagem: 'Entrada inválida.' }
  return { linha, situacao: 'recusado', erro: { codigo: 'dados-invalidos', mensagem, ...(campo && { campo }) } }
}

/** What became of an entry in the ledger. One with a known `referencia` and the same content is simply there already. */
export function resultadoDe(linha: number, registro: Registro): Resultado {
  const { id } = registro.lancamento
  if (registro.desfecho === 'criado') return { linha, situacao: 'criado', id }
  if (aceito(registro)) return { linha, situacao: 'repetido', id }
  if (registro.desfecho === 'conflito-de-referencia') {
    const mensagem = 'Já existe um lançamento com esta referência e outro conteúdo.'
    return { linha, situacao: 'recusado', erro: { codigo: 'referencia-duplicada', mensagem, campo: 'referencia', id } }
  }
  invariant(registro.desfecho === 'conflito-de-chave', 'an entry of a batch reverses nothing')
  const mensagem = 'A chave já registrou outro lançamento nesta linha.'
  return { linha, situacao: 'recusado', erro: { codigo: 'chave-reutilizada', mensagem, id } }
}

/** The refusal of a batch of `quantos` that had to be whole, with the entries that are to blame. */
export function loteRecusado(resultados: readonly Resultado[], quantos: number): DomainError {
  const recusados = resultados.filter(({ situacao }) => situacao === 'recusado')
  return new DomainError(
    'lote-recusado',
    `Nada foi registrado: ${recusados.length} de ${quantos} lançamentos foram recusados.`,
    {
      recusados: recusados.length,
      resultados: recusados.slice(0, MOTIVOS_MAX),
    },
  )
}
