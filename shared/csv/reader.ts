/**
 * A record of the file, with the physical line (from 1) where it starts: its fields, or why it cannot be read.
 * `unfinished` is the last one where no line break ends it: the file may have been cut there.
 */
export type CsvRecord = { linha: number; fields: string[]; unfinished?: true } | { linha: number; motivo: string }

/** Splits a CSV text that arrives in pieces. `separator` is known once the header was seen. */
type CsvReader = {
  /** The records that are complete now. The last call says `end`, and nothing is held back any more. */
  read: (text: string, end?: boolean) => CsvRecord[]
}

/**
 * Longest record in UTF-16 units. The longest correct one has about 2 000 (255 characters of `descricao`, all quotes,
 * doubled); it also bounds how far an unclosed quote can reach, and with it the memory.
 */
const RECORD_CHARACTERS_MAX = 8_192

const QUOTE = 34
const LINE_BREAK = 10

type ParsedRecord = { fields: string[]; next: number; breaks: number } | { motivo: string } | 'incompleto'

/**
 * CSV as RFC 4180 writes it, read so that **a broken record costs itself only**.
 *
 * Where quotes do not close, or text follows a closing quote, the record is reported at the line where it starts, and
 * reading goes on at the next physical line; a general parser drops the rest of the file or ends. The separator
 * is `;` where the header has one, else `,`. A quote inside an unquoted field is just a character. Blank lines are
 * skipped. Lines end in LF or CRLF.
 *
 * csv-parse 7 takes 5–12 µs of CPU a line where this takes 0.3–1.1, and ends or drops good lines after a broken one
 * (docs/decisions/0026). The tests compare the two over random files.
 *
 * @example
 * const csv = createCsvReader()
 * csv.read('data;valor\n2025-10-15;1') // [{ linha: 1, fields: ['data', 'valor'] }]
 * csv.read(',50\n', true) // [{ linha: 2, fields: ['2025-10-15', '1,50'] }]
 */
export function createCsvReader(charactersMax: number = RECORD_CHARACTERS_MAX): CsvReader {
  let rest = ''
  let line = 1
  let separator: string | undefined
  /** Inside a record that is too long already: its rest, up to the line's end, is of no interest. */
  let discarding = false

  const read = (text: string, end = false): CsvRecord[] => {
    const buffer = rest + text
    const records: CsvRecord[] = []
    let pos = 0
    let quote = buffer.indexOf('"')
    while (pos < buffer.length) {
      const lineBreak = buffer.indexOf('\n', pos)
      const lineEnd = lineBreak === -1 ? buffer.length : lineBreak
      const whole = lineBreak !== -1 || end
      if (discarding || (!whole && separator === undefined)) {
        if (!discarding && lineEnd - pos <= charactersMax) break
        if (!discarding) records.push({ linha: line, motivo: tooLong(charactersMax) })
        discarding = !whole
        pos = lineEnd + 1
        if (whole) line += 1
        continue
      }
      separator ??= separatorOf(buffer.slice(pos, lineEnd))
      if (quote !== -1 && quote < pos) quote = buffer.indexOf('"', pos)
      const parsed =
        quote === -1 || quote >= lineEnd
          ? readPlain(buffer, pos, { lineEnd, whole, separator, charactersMax })
          : readQuoted(buffer, pos, { separator, end, charactersMax })
      if (parsed === 'incompleto') break
      if ('motivo' in parsed) {
        records.push({ linha: line, motivo: parsed.motivo })
        discarding = !whole
        pos = lineEnd + 1
        if (whole) line += 1
      } else {
        if (!isBlank(parsed.fields))
          records.push({ linha: line, fields: parsed.fields, ...(parsed.next > buffer.length && { unfinished: true }) })
        pos = parsed.next
        line += 1 + parsed.breaks
      }
    }
    rest = buffer.slice(pos)
    return records
  }

  return { read }
}

const separatorOf = (header: string): string => (header.includes(';') ? ';' : ',')

const isBlank = (fields: readonly string[]): boolean => fields.length === 1 && fields[0]?.trim() === ''

const tooLong = (charactersMax: number): string => `Linha longa demais: no máximo ${charactersMax} caracteres.`

/** Where a line's text ends without its CR. */
const withoutCr = (text: string, start: number, end: number): number =>
  end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end

type LineBounds = { lineEnd: number; whole: boolean; separator: string; charactersMax: number }

/** A line without any quote, which nearly all are. */
function readPlain(text: string, pos: number, { lineEnd, whole, separator, charactersMax }: LineBounds): ParsedRecord {
  if (lineEnd - pos > charactersMax) return { motivo: tooLong(charactersMax) }
  if (!whole) return 'incompleto'
  return {
    fields: text.slice(pos, withoutCr(text, pos, lineEnd)).split(separator),
    next: lineEnd + 1,
    breaks: 0,
  }
}

type QuotedBounds = { separator: string; end: boolean; charactersMax: number }

/** A record in which at least one quote was seen. What it answers does not depend on where the pieces were cut. */
function readQuoted(text: string, start: number, { separator, end, charactersMax }: QuotedBounds): ParsedRecord {
  const limit = start + charactersMax
  const fields: string[] = []
  let breaks = 0
  let i = start
  for (;;) {
    // Before the quote is looked at: a piece that ends here shows a line that is too long, and no quote yet.
    if (i > limit) return { motivo: tooLong(charactersMax) }
    if (text.charCodeAt(i) === QUOTE) {
      const closing = closingQuote(text, i + 1)
      if (closing === -1 || closing >= limit) {
        if (text.length > limit) return { motivo: `Aspas abertas sem fechamento em ${charactersMax} caracteres.` }
        return end ? { motivo: 'Aspas abertas sem fechamento.' } : 'incompleto'
      }
      if (closing === text.length - 1 && !end) return 'incompleto'
      const field = text.slice(i + 1, closing)
      fields.push(field.includes('"') ? field.replaceAll('""', '"') : field)
      breaks += countBreaks(field)
      i = closing + 1
      if (text.charCodeAt(i) === 13 && (i + 1 === text.length ? end : text.charCodeAt(i + 1) === LINE_BREAK)) i += 1
      else if (text.charCodeAt(i) === 13 && i + 1 === text.length) return 'incompleto'
      if (i < text.length && text[i] !== separator && text.charCodeAt(i) !== LINE_BREAK) {
        return { motivo: 'Há texto depois das aspas que fecham um campo.' }
      }
    } else {
      const from = i
      while (i < text.length && i <= limit && text[i] !== separator && text.charCodeAt(i) !== LINE_BREAK) i += 1
      if (i > limit) return { motivo: tooLong(charactersMax) }
      if (i === text.length && !end) return 'incompleto'
      const ends = i === text.length || text.charCodeAt(i) === LINE_BREAK
      fields.push(text.slice(from, ends ? withoutCr(text, from, i) : i))
    }
    if (i > limit) return { motivo: tooLong(charactersMax) }
    if (i === text.length || text.charCodeAt(i) === LINE_BREAK) return { fields, next: i + 1, breaks }
    i += 1
  }
}

/** Index of the quote that closes a field whose text begins at `from`, or -1. A doubled quote is one inside the text. */
function closingQuote(text: string, from: number): number {
  for (let i = text.indexOf('"', from); i !== -1; i = text.indexOf('"', i + 2)) {
    if (text.charCodeAt(i + 1) !== QUOTE) return i
  }
  return -1
}

const countBreaks = (field: string): number => {
  let breaks = 0
  for (let i = field.indexOf('\n'); i !== -1; i = field.indexOf('\n', i + 1)) breaks += 1
  return breaks
}
