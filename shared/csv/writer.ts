import { decimalFromCents } from '../money.ts'

/** What a program asks for by `Accept: text/csv`, and a person by `?formato=planilha`. */
export type CsvFormat = 'csv' | 'planilha'

/** Writes the cells and lines of a CSV file in one format. */
type CsvWriter = {
  /** What stands before the header. */
  begin: string
  text: (value: string) => string
  /** An amount in cents. */
  amount: (cents: bigint) => string
  /** A day `YYYY-MM-DD`. */
  day: (day: string) => string
  line: (cells: readonly (string | number)[]) => string
}

/** Spreadsheets take a cell that begins so for a formula (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/

const quoted = (value: string, separator: string): string =>
  value.includes('"') || value.includes(separator) || /[\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value

/**
 * Writes CSV for programs or for people.
 *
 * `csv` is RFC 4180 with decimal points, exactly what the import reads. `planilha` is what a spreadsheet in Brazilian
 * settings opens by a double click: UTF-8 with a byte order mark, `;`, decimal commas, days `dd/mm/aaaa`; a text that begins
 * like a formula gets a `'` before it, which makes it text. Lines end in CRLF in both.
 *
 * @example
 * const csv = csvWriter('planilha')
 * csv.line([csv.day('2025-10-15'), csv.amount(-5n), csv.text('=1+1')]) // "15/10/2025;-0,05;'=1+1\r\n"
 */
export function csvWriter(format: CsvFormat): CsvWriter {
  const forPeople = format === 'planilha'
  const separator = forPeople ? ';' : ','
  return {
    begin: forPeople ? '\ufeff' : '',
    text: (value) => quoted(forPeople && FORMULA.test(value) ? `'${value}` : value, separator),
    amount: forPeople ? (cents) => decimalFromCents(cents).replace('.', ',') : decimalFromCents,
    day: forPeople ? (day) => day.split('-').reverse().join('/') : (day) => day,
    line: (cells) => `${cells.join(separator)}\r\n`,
  }
}
