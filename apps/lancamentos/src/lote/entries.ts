import { DomainError, ValidationError } from '@fluxo/shared/errors'
import { parseJsonExact, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import { OPEN_LIST, scanList, skipBlanks } from '@fluxo/shared/http/json-scan'
import { parseWith } from '@fluxo/shared/http/validate'
import type { NovoLancamento } from '../domain/lancamento.ts'
import { NovoLancamentoSchema } from '../domain/novo-lancamento.ts'
import {
  createRepetitions,
  ENTRIES_MAX,
  entryTooLarge,
  loteEmpty,
  loteTooLarge,
  type RefusedEntry,
  refusedByFields,
} from './lote.ts'

/** One entry of a batch as it was read. */
export type LoteEntry = { linha: number; novo: NovoLancamento } | RefusedEntry

/** Reads a batch. Whoever runs it may pause between two entries. Throws what refuses it whole. */
export type ReadLote = (utf8: Buffer) => Generator<undefined, LoteEntry[]>

/**
 * Reads a JSON list. One that is no list is refused whole; a wrong entry only itself.
 *
 * The list is cut before anything of it is parsed, and then each entry is parsed by itself: what is refused for its size costs next
 * to nothing, and what is not takes no more memory than its entries.
 */
export function* readJson(utf8: Buffer): Generator<undefined, LoteEntry[]> {
  if (utf8[yield* skipBlanks(utf8, 0)] !== OPEN_LIST) throw noList(utf8)
  const scanned = yield* scanList(utf8, { valuesMax: ENTRIES_MAX, valueBytesMax: SINGLE_ENTRY_BYTES_MAX })
  if ('fault' in scanned) {
    if (scanned.fault === 'many') throw loteTooLarge()
    throw scanned.fault === 'json' ? invalidJson() : entryTooLarge(scanned.fault.long + 1)
  }
  const { places } = scanned
  if (places.length === 0) throw loteEmpty()
  const read = createEntryReader()
  const entries: LoteEntry[] = []
  for (let i = 0; i < places.length; i += 2) {
    // Outside of the entry's own merit: where one is no JSON, the list is none.
    const valor = parseJsonExact(utf8.toString('utf8', places[i], places[i + 1]))
    entries.push(read(entries.length + 1, () => valor))
    yield
  }
  return entries
}

const invalidJson = () => new DomainError('json-invalido', 'O corpo não é JSON válido.')

/** The refusal of a text that is no JSON, or JSON and no list; what is too long to be looked at passes for JSON. */
function noList(utf8: Buffer): DomainError {
  if (utf8.length <= SINGLE_ENTRY_BYTES_MAX) parseJsonExact(utf8.toString())
  return new ValidationError([{ campo: '', mensagem: 'Deve ser uma lista JSON de lançamentos.' }])
}

const NEW_LINE = 10
const SPACE = 32

/** Reads one JSON value per line. Blank lines at the end are nothing; elsewhere they are wrong, so that lines stay countable. */
export function* readNdjson(utf8: Buffer): Generator<undefined, LoteEntry[]> {
  const end = yield* trimmedLength(utf8)
  if (end === 0) throw loteEmpty()
  const lineEnds = lineEndsOf(utf8, end)
  const read = createEntryReader()
  const entries: LoteEntry[] = []
  let from = 0
  for (const to of lineEnds) {
    const text = utf8.toString('utf8', from, to)
    entries.push(read(entries.length + 1, () => parseJsonExact(text)))
    from = to + 1
    yield
  }
  return entries
}

/** Blanks that are looked at before a caller may pause. */
const BLANKS_AT_ONCE = 64 * 1024

function* trimmedLength(utf8: Buffer): Generator<undefined, number> {
  let end = utf8.length
  while (end > 0 && (utf8[end - 1] ?? 0) <= SPACE) {
    end -= 1
    if (end % BLANKS_AT_ONCE === 0) yield
  }
  return end
}

/** Where each line ends. Throws at the first that is too long, and the first that is too many. */
function lineEndsOf(utf8: Buffer, end: number): number[] {
  const lineEnds: number[] = []
  for (let from = 0; from <= end; ) {
    const lineBreak = utf8.indexOf(NEW_LINE, from)
    const to = lineBreak === -1 || lineBreak > end ? end : lineBreak
    if (to - from > SINGLE_ENTRY_BYTES_MAX) throw entryTooLarge(lineEnds.length + 1)
    if (lineEnds.length === ENTRIES_MAX) throw loteTooLarge()
    lineEnds.push(to)
    from = to + 1
  }
  return lineEnds
}

/** Reads the entries of one batch, in their order. */
function createEntryReader(): (line: number, read: () => unknown) => LoteEntry {
  const refuseRepetition = createRepetitions()
  return (line, read) => {
    try {
      const novo = parseWith(NovoLancamentoSchema, read())
      return refuseRepetition(line, novo.referencia) ?? { linha: line, novo }
    } catch (error) {
      if (error instanceof ValidationError) return refusedByFields(line, error.erros)
      if (!(error instanceof DomainError)) throw error
      return {
        linha: line,
        situacao: 'recusado',
        erro: { codigo: error.codigo, mensagem: 'A linha não é JSON válido.' },
      }
    }
  }
}
