import { DomainError, ValidationError } from '@fluxo/shared/errors'
import { parseJsonExact, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import { OPEN_LIST, scanList, skipBlanks } from '@fluxo/shared/http/json-scan'
import { parseWith } from '@fluxo/shared/http/validate'
import type { Pedido } from '../domain/lancamento.ts'
import { PedidoSchema } from '../domain/pedido.ts'
import {
  createRepeticoes,
  ENTRADAS_MAX,
  entradaGrandeDemais,
  loteGrandeDemais,
  loteVazio,
  type Recusado,
  recusadoPorCampos,
} from './lote.ts'

/** One entry of a batch as it was read. */
export type Entrada = { linha: number; pedido: Pedido } | Recusado

/** Reads a batch. Whoever runs it may pause between two entries. Throws what refuses it whole. */
export type LerLote = (utf8: Buffer) => Generator<undefined, Entrada[]>

/**
 * Reads a JSON list. One that is no list is refused whole; a wrong entry only itself.
 *
 * The list is cut before anything of it is parsed, and then each entry is parsed by itself: what is refused for its size costs next
 * to nothing, and what is not takes no more memory than its entries.
 */
export function* lerJson(utf8: Buffer): Generator<undefined, Entrada[]> {
  if (utf8[yield* skipBlanks(utf8, 0)] !== OPEN_LIST) throw semLista(utf8)
  const cortada = yield* scanList(utf8, { valuesMax: ENTRADAS_MAX, valueBytesMax: SINGLE_ENTRY_BYTES_MAX })
  if ('fault' in cortada) {
    if (cortada.fault === 'many') throw loteGrandeDemais()
    throw cortada.fault === 'json' ? jsonInvalido() : entradaGrandeDemais(cortada.fault.long + 1)
  }
  const { places } = cortada
  if (places.length === 0) throw loteVazio()
  const ler = createLeitor()
  const entradas: Entrada[] = []
  for (let i = 0; i < places.length; i += 2) {
    // Outside of the entry's own merit: where one is no JSON, the list is none.
    const valor = parseJsonExact(utf8.toString('utf8', places[i], places[i + 1]))
    entradas.push(ler(entradas.length + 1, () => valor))
    yield
  }
  return entradas
}

const jsonInvalido = () => new DomainError('json-invalido', 'O corpo não é JSON válido.')

/** The refusal of a text that is no JSON, or JSON and no list; what is too long to be looked at passes for JSON. */
function semLista(utf8: Buffer): DomainError {
  if (utf8.length <= SINGLE_ENTRY_BYTES_MAX) parseJsonExact(utf8.toString())
  return new ValidationError([{ campo: '', mensagem: 'Deve ser uma lista JSON de lançamentos.' }])
}

const NEW_LINE = 10
const SPACE = 32

/** Reads one JSON value per line. Blank lines at the end are nothing; elsewhere they are wrong, so that lines stay countable. */
export function* lerNdjson(utf8: Buffer): Generator<undefined, Entrada[]> {
  const fim = yield* semBrancosNoFim(utf8)
  if (fim === 0) throw loteVazio()
  const finais = finaisDeLinha(utf8, fim)
  const ler = createLeitor()
  const entradas: Entrada[] = []
  let de = 0
  for (const ate of finais) {
    const texto = utf8.toString('utf8', de, ate)
    entradas.push(ler(entradas.length + 1, () => parseJsonExact(texto)))
    de = ate + 1
    yield
  }
  return entradas
}

/** Blanks that are looked at before a caller may pause. */
const BRANCOS = 64 * 1024

function* semBrancosNoFim(utf8: Buffer): Generator<undefined, number> {
  let fim = utf8.length
  while (fim > 0 && (utf8[fim - 1] ?? 0) <= SPACE) {
    fim -= 1
    if (fim % BRANCOS === 0) yield
  }
  return fim
}

/** Where each line ends. Throws at the first that is too long, and the first that is too many. */
function finaisDeLinha(utf8: Buffer, fim: number): number[] {
  const finais: number[] = []
  for (let de = 0; de <= fim; ) {
    const quebra = utf8.indexOf(NEW_LINE, de)
    const ate = quebra === -1 || quebra > fim ? fim : quebra
    if (ate - de > SINGLE_ENTRY_BYTES_MAX) throw entradaGrandeDemais(finais.length + 1)
    if (finais.length === ENTRADAS_MAX) throw loteGrandeDemais()
    finais.push(ate)
    de = ate + 1
  }
  return finais
}

/** Reads the entries of one batch, in their order. */
function createLeitor(): (linha: number, ler: () => unknown) => Entrada {
  const repetida = createRepeticoes()
  return (linha, ler) => {
    try {
      const pedido = parseWith(PedidoSchema, ler())
      return repetida(linha, pedido.referencia) ?? { linha, pedido }
    } catch (erro) {
      if (erro instanceof ValidationError) return recusadoPorCampos(linha, erro.erros)
      if (!(erro instanceof DomainError)) throw erro
      return { linha, situacao: 'recusado', erro: { codigo: erro.codigo, mensagem: 'A linha não é JSON válido.' } }
    }
  }
}
