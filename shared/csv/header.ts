import { DomainError, type InvalidField, ValidationError } from '../errors.ts'

/** The columns of an import: those that must be there, and those that may. */
export type Columns<Column extends string = string> = { required: readonly Column[]; optional: readonly Column[] }

/** Where each column stands in a record (-1: absent), how many fields a record has, and how many it has at least. */
export type ColumnPlaces<Column extends string = string> = {
  at: Readonly<Record<Column, number>>
  count: number
  /** Up to the last column that must be there. */
  least: number
}

/** Controls that no header has, and what the marks of UTF-16 look like in Latin-1: a spreadsheet, an archive, an image. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point.
const BINARY = /[\u0000-\u0008\u000e-\u001f\ufffd]|^(?:ÿþ|þÿ)/

/** `Descrição ` and `DESCRICAO` are the same column. */
export const plainName = (name: string): string => name.trim().normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()

/** Longest piece of a foreign column's name that an answer repeats. */
const NAME_SHOWN_MAX = 40

/**
 * Reads the header row. Names in any order, case and accents; every column that is missing, repeated or unknown is named.
 * An unknown column is refused, since a misspelt `referencia` that is silently dropped would lose what makes lines unique.
 */
export function readHeader<Column extends string>(
  fields: readonly string[],
  { required, optional }: Columns<Column>,
): ColumnPlaces<Column> {
  if (fields.some((field) => BINARY.test(field))) {
    throw new DomainError(
      'arquivo-nao-e-csv',
      'O arquivo não é texto CSV em UTF-8 ou Latin-1. Se é uma planilha, exporte-a como CSV.',
    )
  }
  const names = fields.map(plainName)
  // Empty names at the end are what a spreadsheet writes for columns that once had something in them.
  while (names.at(-1) === '') names.pop()
  const errors: InvalidField[] = []
  const known: readonly Column[] = [...required, ...optional]
  for (const column of known) {
    const times = names.filter((name) => name === column).length
    if (times === 0 && required.includes(column))
      errors.push({ campo: column, mensagem: 'Coluna ausente no cabeçalho.' })
    if (times > 1) errors.push({ campo: column, mensagem: 'Coluna repetida no cabeçalho.' })
  }
  names.forEach((name, i) => {
    if ((known as readonly string[]).includes(name)) return
    const shown = (fields[i] ?? '').trim().slice(0, NAME_SHOWN_MAX)
    errors.push({ campo: shown || `coluna ${i + 1}`, mensagem: 'Coluna desconhecida no cabeçalho.' })
  })
  if (errors.length > 0) {
    throw new ValidationError(
      errors.slice(0, HEADER_ERRORS_MAX),
      `A primeira linha deve ter as colunas ${required.join(', ')} e, se houver, ${optional.join(', ')}, separadas por "," ou ";".`,
    )
  }
  const at = Object.fromEntries(known.map((column) => [column, names.indexOf(column)])) as Record<Column, number>
  const least = Math.max(...required.map((column) => at[column])) + 1
  return { at, count: names.length, least }
}

/** A file of another kind may have thousands of "columns"; the first ones tell the merchant enough. */
const HEADER_ERRORS_MAX = 20
