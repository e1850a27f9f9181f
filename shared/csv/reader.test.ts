import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CsvRecord, createCsvReader } from './reader.ts'

const readAll = (text: string, cuts: readonly number[] = [], max?: number): CsvRecord[] => {
  const reader = createCsvReader(max)
  const points = [0, ...cuts.map((c) => c % (text.length + 1)).sort((a, b) => a - b), text.length]
  const pieces = points.slice(1).map((end, i) => text.slice(points[i], end))
  return [...pieces.flatMap((piece) => reader.read(piece)), ...reader.read('', true)]
}
const fields = (records: CsvRecord[]) => records.map((r) => ('fields' in r ? r.fields : r.motivo))

const field = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', '\r\n', ' '), minLength: 0, maxLength: 5 })
const written = field.map((c) => (/[",\n\r]/.test(c) ? `"${c.replaceAll('"', '""')}"` : c))

test('a well-formed file is read as csv-parse reads it, however its pieces are cut', () => {
  const table = fc.array(fc.array(written, { minLength: 2, maxLength: 4 }), { maxLength: 6 })
  fc.assert(
    fc.property(
      table,
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 8 }),
      (lines, lineBreak, final, cuts) => {
        const text = ['x,y', ...lines.map((l) => l.join(','))].join(lineBreak) + (final ? lineBreak : '')
        const expected: string[][] = parse(text, { relax_column_count: true, record_delimiter: ['\n', '\r\n'] })
        expect(fields(readAll(text, cuts))).toEqual(expected)
      },
    ),
    { numRuns: 1_500 },
  )
})

test('what is read, line numbers included, never depends on how the pieces are cut, also in garbage', () => {
  const garbage = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'bbbbbbbb'), maxLength: 40 })
  fc.assert(
    fc.property(garbage, fc.array(fc.nat(), { maxLength: 12 }), (text, cuts) => {
      expect(readAll(`x,y\n${text}`, cuts, 12)).toEqual(readAll(`x,y\n${text}`, [], 12))
    }),
    { numRuns: 5_000, examples: [['aaabbbbbbbba,"', [821_040_481]]] },
  )
})

describe('a broken record costs itself only', () => {
  test.each([
    [
      'a quote that never closes',
      'x,y\n1,"abc\n2,b\n3,c\n',
      [{ linha: 2 }, { linha: 3, fields: ['2', 'b'] }, { linha: 4 }],
    ],
    ['a quote that closes in the next line', 'x,y\n1,"a\n2,"b"\n3,c', [{ linha: 2 }, { linha: 3 }, { linha: 4 }]],
    ['text after a closing quote', 'x,y\n"a"b,c\n1,2', [{ linha: 2 }, { linha: 3, fields: ['1', '2'] }]],
  ])('%s', (_, text, expected) => {
    const parsed = readAll(text).slice(1)
    expect(parsed).toMatchObject(expected)
    expect(parsed[0]).toHaveProperty('motivo')
  })

  test('a line that is too long is skipped to its end, in constant memory', () => {
    const reader = createCsvReader()
    reader.read('x,y\n')
    const readOnes: CsvRecord[] = []
    for (let i = 0; i < 200; i += 1) readOnes.push(...reader.read('z'.repeat(1_000)))
    readOnes.push(...reader.read('\n1,2\n', true))
    expect(readOnes).toEqual([
      { linha: 2, motivo: expect.stringContaining('longa demais') },
      { linha: 3, fields: ['1', '2'] },
    ])
  })

  test('an unclosed quote reaches no further than the longest record', () => {
    const lines = Array.from({ length: 2_000 }, (_, i) => `${i},b`)
    const readOnes = readAll(`x,y\n0,"a\n${lines.join('\n')}`)
    expect(readOnes).toHaveLength(2_002)
    expect(readOnes[1]).toEqual({ linha: 2, motivo: expect.stringContaining('sem fechamento') })
    expect(readOnes.at(-1)).toEqual({ linha: 2_002, fields: ['1999', 'b'], unfinished: true })
  })
})

test('lines are counted as an editor shows them, through quoted line breaks and blank lines', () => {
  expect(readAll('x;y\n\n"a\nb\r\nc";d\r\n  \r\ne;f')).toEqual([
    { linha: 1, fields: ['x', 'y'] },
    { linha: 3, fields: ['a\nb\r\nc', 'd'] },
    { linha: 7, fields: ['e', 'f'], unfinished: true },
  ])
})

test.each([
  ['a;b', true],
  ['a;b\n', undefined],
  ['a;"b"', true],
  ['a;"b"\r\n', undefined],
])('%j: whether a line break ends the last record is told', (text, unfinished) => {
  expect(readAll(`x;y\n${text}`).at(-1)).toEqual({ linha: 2, fields: ['a', 'b'], ...(unfinished && { unfinished }) })
})

test('the header decides the separator', () => {
  expect(fields(readAll('x;y\n1,5;2'))).toEqual([
    ['x', 'y'],
    ['1,5', '2'],
  ])
  expect(fields(readAll('x,y\n1;5,2'))).toEqual([
    ['x', 'y'],
    ['1;5', '2'],
  ])
})

test('a quote inside an unquoted field is a character like any other', () => {
  expect(fields(readAll('x,y\nTV 42" nova,2'))).toEqual([
    ['x', 'y'],
    ['TV 42" nova', '2'],
  ])
})
