import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { csvWriter } from './writer.ts'

test.each([
  ['csv', '', '2025-10-15,-1234.56,"a,b",c;d\r\n'],
  ['planilha', '\ufeff', '15/10/2025;-1234,56;a,b;"c;d"\r\n'],
] as const)('%s: days, amounts and separators', (format, begin, line) => {
  const csv = csvWriter(format)
  expect(csv.begin).toBe(begin)
  expect(csv.line([csv.day('2025-10-15'), csv.amount(-123_456n), csv.text('a,b'), csv.text('c;d')])).toBe(line)
})

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '=HYPERLINK("https://evil.example";"pague")'])(
  'for people %j is text and no formula, for programs it is as it was',
  (value) => {
    const read = (text: string, delimiter: string) => parse(text, { delimiter, record_delimiter: '\r\n' })[0]
    const [people, programs] = [csvWriter('planilha'), csvWriter('csv')]
    expect(read(people.line([people.text(value), 'x']), ';')).toEqual([`'${value}`, 'x'])
    expect(read(programs.line([programs.text(value), 'x']), ',')).toEqual([value, 'x'])
  },
)

test('whatever is written is read as it was', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', ' ', 'é') })
  fc.assert(
    fc.property(text, text, (a, b) => {
      const csv = csvWriter('csv')
      const line = csv.line(['x', csv.text(a), csv.text(b)])
      expect(parse(line, { record_delimiter: '\r\n' })).toEqual([['x', a, b]])
    }),
  )
})
