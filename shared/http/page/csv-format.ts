import { z } from '@hono/zod-openapi'
import type { CsvFormat } from '../../csv/writer.ts'

/** The query parameter with which a person asks for a file; programs name `text/csv` in `Accept`. */
export const FormatSchema = z
  .enum(['planilha'], { error: 'Só há o formato planilha.' })
  .optional()
  .openapi({
    description:
      'planilha: um arquivo CSV que uma planilha em português abre com dois cliques (";", vírgula decimal, dd/mm/aaaa, UTF-8 ' +
      'com BOM; um texto que começa como fórmula ganha um apóstrofo). Para programas: Accept: text/csv.',
    example: 'planilha',
  })

/** The format of the answer: `format` decides, then `Accept`; `undefined` is JSON. */
export const csvFormatOf = (accept: string | undefined, format: string | undefined): CsvFormat | undefined => {
  if (format === undefined) return prefersCsv(accept) ? 'csv' : undefined
  return format === 'planilha' ? format : undefined
}

/** Headers of an answer that a browser saves as `name`. */
export const csvHeaders = (name: string): { 'Content-Type': string; 'Content-Disposition': string } => ({
  'Content-Type': 'text/csv; charset=utf-8; header=present',
  'Content-Disposition': `attachment; filename="${name}"`,
})

const weight = (parameters: string): number => {
  const q = /;\s*q=([0-9.]+)/i.exec(parameters)?.[1]
  return q === undefined ? 1 : Number(q) || 0
}

/** Whether `Accept` would rather have CSV than JSON: only where `text/csv` is named and weighs more, or first the same. */
export function prefersCsv(accept: string | undefined): boolean {
  if (accept === undefined) return false
  let csv = 0
  let json = 0
  for (const part of accept.split(',')) {
    const [, type = '', parameters = ''] = /^\s*([^\s;]+)(.*)$/.exec(part) ?? []
    const q = weight(parameters)
    if (type.toLowerCase() === 'text/csv' && q > json) csv = q
    else if (/^application\/(json|\*)$/i.test(type) && q > csv) json = q
  }
  return csv > json
}
