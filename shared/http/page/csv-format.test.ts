import { describe, expect, it } from 'vitest'
import { csvFormatOf, prefersCsv } from './csv-format.ts'

describe('Accept', () => {
  it('gets CSV only where it prefers it', () => {
    for (const accept of [
      'text/csv',
      'TEXT/CSV',
      'text/csv, */*',
      'text/csv;q=0.9, application/json;q=0.1',
      'text/csv, application/json',
    ]) {
      expect(prefersCsv(accept), accept).toBe(true)
    }
    for (const accept of [
      undefined,
      '',
      '*/*',
      'application/json',
      'application/json, text/csv',
      'text/csv;q=0',
      'text/csv;q=0.1, application/json',
      'text/html',
    ]) {
      expect(prefersCsv(accept), accept).toBe(false)
    }
  })
})

describe('formato', () => {
  it('decides before Accept', () => {
    expect(csvFormatOf('application/json', 'planilha')).toBe('planilha')
    expect(csvFormatOf('text/csv', undefined)).toBe('csv')
    expect(csvFormatOf(undefined, undefined)).toBeUndefined()
  })
})
