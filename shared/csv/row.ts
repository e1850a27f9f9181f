import { isDay } from '../day.ts'
import { type Cents, readValor, VALOR_MESSAGES } from '../money.ts'
import { textFault, truncate } from '../text.ts'
import type { ColumnPlaces } from './header.ts'

/** What is wrong with a line. `column` is null where the line as a whole is; `valor` is what stood in the column, cut short. */
export type LineError<Column extends string = string> = {
  linha: number
  coluna: Column | null
  valor?: string | undefined
  motivo: string
}

/** Characters of a refused value that the report repeats: enough to find it in the file. */
const VALOR_SHOWN_MAX = 80

const shown = (valor: string): string => {
  const start = truncate(valor, VALOR_SHOWN_MAX)
  return start.length < valor.length ? `${start}…` : start
}

/** Reads one record of a file, or names every column that is wrong. */
export type ReadLine<Column extends string, Content> = (
  field: (column: Column) => string,
  refuse: (column: Column, reason: string) => void,
) => Content | undefined

/**
 * Reads a record by `read`, which refuses columns or gives what the line says; fields come trimmed, absent ones empty.
 *
 * Spreadsheets write empty fields after the last column, and leave out the separators of optional columns that are empty
 * in 16 lines (Excel): both are read. A line that the end of the file cuts (`unfinished`) has to have all of its columns.
 */
export function readRecord<Column extends string, Content>(
  { linha: line, fields, unfinished }: { linha: number; fields: readonly string[]; unfinished?: true },
  columns: ColumnPlaces<Column>,
  read: ReadLine<Column, Content>,
): { pedido: Content } | { erros: LineError<Column>[] } {
  const { count, least } = columns
  if (fields.length < (unfinished ? count : least) || (fields.length > count && !areEmpty(fields.slice(count)))) {
    const hint = fields.length > count ? ' Um campo que contém o separador precisa de aspas.' : ''
    const reason = `Esperados ${count} campos, encontrados ${fields.length}.${hint}`
    return { erros: [{ linha: line, coluna: null, motivo: reason }] }
  }
  const errors: LineError<Column>[] = []
  const pedido = read(
    (column) => fields[columns.at[column]]?.trim() ?? '',
    (column, reason) => {
      errors.push({
        linha: line,
        coluna: column,
        valor: shown(fields[columns.at[column]]?.trim() ?? ''),
        motivo: reason,
      })
    },
  )
  return errors.length > 0 || pedido === undefined ? { erros: errors } : { pedido }
}

/** True where no field says anything. */
export const areEmpty = (fields: readonly string[]): boolean => fields.every((field) => field.trim() === '')

const BRAZILIAN_DAY = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/

/** What the merchant reads where `readCsvDay` finds no day. */
export const CSV_DAY_MESSAGE = 'Deve ser um dia real do calendário, como 2025-10-15 ou 15/10/2025, entre 1900 e 2199.'

/** Reads a day as programs write it (`2025-10-15`) or as Brazilian spreadsheets do (`15/10/2025`); `undefined` where it is none. */
export function readCsvDay(text: string): string | undefined {
  const [, day = '', month = '', year] = BRAZILIAN_DAY.exec(text) ?? []
  const iso = year === undefined ? text : `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  return isDay(iso) ? iso : undefined
}

/** `R$` before the digits, with whatever blank the spreadsheet puts there. */
const CURRENCY = /^(-?)\s*R\$\s*/i
/** `1.234.567,89` or `1.234.567`: points between groups of three, a comma before the decimals. */
const THOUSANDS = /^-?\d{1,3}(?:\.\d{3})+(?:,\d+)?$/
/** One point and three digits: a thousand in Brazil, one unit and a bit elsewhere. */
const AMBIGUOUS = /^-?\d{1,3}\.\d{3}$/
const DECIMAL_COMMA = /^-?\d+,\d+$/

/**
 * Reads the amount of a line, or says why it cannot: `1234.56`, `1234,56`, `1.234,56` and `R$ 1.234,56` are one and the same.
 * `1.234` alone is refused, since it means 1234.00 to some and 1.23 to others: with money, nobody guesses.
 */
export function readCsvValor(written: string): Cents | string {
  const text = written.includes('$') ? written.replace(CURRENCY, '$1') : written
  if (AMBIGUOUS.test(text)) return `Ambíguo: escreva ${text.replace('.', '')}.00 ou ${text},00.`
  const withPoint = THOUSANDS.test(text) || DECIMAL_COMMA.test(text) ? text.replaceAll('.', '').replace(',', '.') : text
  const parsed = readValor(withPoint)
  if (typeof parsed === 'bigint') return parsed
  return parsed === 'format' ? 'Deve ser um valor como 1234.56, 1.234,56 ou R$ 1.234,56.' : VALOR_MESSAGES[parsed]
}

/** U+FFFD: what the decoder left of bytes that are no character. */
const UNREADABLE = '\ufffd'

/** Why a text of a line is refused; `undefined` where it is fine. */
export const csvTextFault = (text: string, charactersMax: number): string | undefined =>
  text.includes(UNREADABLE) ? 'Tem bytes que não são texto em UTF-8.' : textFault(text, charactersMax)
