import { DomainError } from '../errors.ts'
import { type ColumnPlaces, type Columns, readHeader } from './header.ts'
import { CONTENTS_MAX, createOrdinals } from './ordinals.ts'
import type { CsvRecord } from './reader.ts'
import { createReport, type ImportReport } from './report.ts'
import { areEmpty, type ReadLine, readRecord } from './row.ts'

/** A line that can be stored, with the key under which it is known again when the file is sent again. */
export type ReadyLine<Content> = { linha: number; pedido: Content; chave: string | undefined }

/** What became of a line: stored now, stored before, or refused with a reason for the merchant. */
export type Fate = 'created' | 'repeated' | { refused: string }

type ImportacaoOptions<Column extends string, Content> = {
  columns: Columns<Column>
  readLine: ReadLine<Column, Content>
  /** The merchant's own name of what the line says, unique for ever. */
  referenciaOf: (pedido: Content) => string | undefined
  /** Fingerprint of the content, hex: equal content, equal fingerprint. */
  impressaoOf: (pedido: Content) => string
  /** What a file without lines lacks, for the merchant. */
  nothingOfWhat: string
  contentsMax?: number
}

export type Importacao<Content> = {
  /** Reads records in the order of the file and gives the lines to be stored; the others are refused and reported. */
  decide: (records: readonly CsvRecord[]) => ReadyLine<Content>[]
  /** Takes down what became of one line. */
  note: (line: ReadyLine<Content>, fate: Fate) => void
  /** The report. Throws where the file held no line at all. */
  conclude: () => ImportReport
}

/**
 * Decides what a file means.
 *
 * Sending a file again must create nothing twice, also after a broken upload or with one line corrected, while two equal
 * lines in one file are two. So a line with `referencia` is known by it; one without, by its content and by **how many
 * equal lines stand before it in this file**: the second coffee of a day is still the second coffee in tomorrow's
 * upload. It follows that the same line in two different files is one, too.
 */
export function createImportacao<Column extends string, Content>(
  options: ImportacaoOptions<Column, Content>,
): Importacao<Content> {
  const { columns: format, readLine, referenciaOf, impressaoOf, nothingOfWhat, contentsMax = CONTENTS_MAX } = options
  const report = createReport()
  const ordinals = createOrdinals(contentsMax)
  let columns: ColumnPlaces<Column> | undefined

  const readyLine = (line: number, pedido: Content): ReadyLine<Content> | undefined => {
    if (referenciaOf(pedido) !== undefined) return { linha: line, pedido, chave: undefined }
    const impressao = impressaoOf(pedido)
    const ordinal = ordinals.next(impressao)
    if (ordinal !== undefined) return { linha: line, pedido, chave: chaveOfLine(impressao, ordinal) }
    const reason = `Há mais de ${contentsMax} linhas diferentes sem referencia: divida o arquivo por período.`
    report.recusado([{ linha: line, coluna: 'referencia', motivo: reason }])
    return undefined
  }

  const decideOne = (record: CsvRecord): ReadyLine<Content> | undefined => {
    // Nothing but separators: a row of the spreadsheet that is empty, or once had something in it.
    if ('fields' in record && areEmpty(record.fields)) return undefined
    if (columns === undefined) {
      if ('motivo' in record)
        throw new DomainError('arquivo-nao-e-csv', `O cabeçalho não pôde ser lido. ${record.motivo}`)
      if (!isSeparatorNotice(record.fields)) columns = readHeader(record.fields, format)
      return undefined
    }
    const { linha: line } = record
    const parsed =
      'motivo' in record
        ? { erros: [{ linha: line, coluna: null, motivo: record.motivo }] }
        : readRecord(record, columns, readLine)
    if ('pedido' in parsed) return readyLine(line, parsed.pedido)
    report.recusado(parsed.erros)
    return undefined
  }

  return {
    decide: (records) => records.flatMap((record) => decideOne(record) ?? []),
    note: ({ linha: line }, fate) => {
      if (fate === 'created') report.created()
      else if (fate === 'repeated') report.repeated()
      else report.recusado([{ linha: line, coluna: 'referencia', motivo: fate.refused }])
    },
    conclude: () => {
      if (columns === undefined) throw new DomainError('arquivo-vazio', 'O arquivo está vazio.')
      const end = report.read()
      if (end.linhas === 0) throw new DomainError('arquivo-vazio', `O arquivo só tem o cabeçalho, ${nothingOfWhat}.`)
      return end
    },
  }
}

/** `sep=;`, with which Excel is told the separator, may stand before the header. */
const isSeparatorNotice = ([first = '', ...rest]: readonly string[]): boolean =>
  /^sep=,?$/i.test(first.trim()) && areEmpty(rest)

/** The key of a line without `referencia`. base64url instead of hex: 10 bytes less in every row and index entry. */
const chaveOfLine = (impressao: string, ordinal: number): string =>
  `csv:${Buffer.from(impressao, 'hex').toString('base64url')}:${ordinal}`
