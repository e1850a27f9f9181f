import { verdictsOn } from './reach.ts'
import type { RowResult } from './result.ts'

/** A figure with as many digits as it deserves. */
export const figure = (value: number | undefined): string => {
  if (value === undefined) return ''
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(value >= 10 ? 1 : 2)
}

const HEADINGS = [
  'row',
  'unit',
  'median',
  'p50 ms',
  'p99 ms',
  'max ms',
  'RSS MB',
  'CPU µs of the service',
  'CPU µs an entry, all processes',
  'ratio to yardstick',
  'reach',
  '',
]
/** Figures stand on the right; words on the left. */
const RIGHT = new Set([2, 3, 4, 5, 7, 8])

const rssOf = (rssMb: RowResult['rssMb']): string =>
  Object.entries(rssMb)
    .map(([name, mb]) => `${name.slice(0, 1)} ${Math.round(mb)}`)
    .join(' ')

const verdictOf = (result: RowResult): { reach: string; word: string } => {
  const verdicts = verdictsOn(result)
  const reach = verdicts.map(({ text }) => text).join(', ')
  if (result.errors.length > 0) return { reach, word: 'WRONG' }
  if (verdicts.length === 0) return { reach, word: '' }
  return { reach, word: verdicts.every(({ reached }) => reached) ? 'ok' : 'short' }
}

const cellsOf = (result: RowResult): string[] => {
  const { reach, word } = verdictOf(result)
  return [
    result.row,
    result.unit,
    figure(result.median),
    figure(result.p50),
    figure(result.p99),
    figure(result.max),
    rssOf(result.rssMb),
    figure(result.cpuUs),
    figure(result.cpuAllUs),
    result.yardsticks.map(({ name, ratio, median }) => `${ratio.toFixed(2)} × ${name} ${figure(median)}`).join(', '),
    reach,
    word,
  ]
}

const short = (result: RowResult): string[] =>
  verdictsOn(result)
    .filter(({ reached }) => !reached)
    .map(({ text }) => text)

/** Remarks below the table: how a row was measured, what it falls short of, further figures, and what was wrong. */
const remarksOn = (result: RowResult): string[] => {
  const details = Object.entries(result.details).map(([name, value]) => `${name} ${figure(value)}`)
  const missed = short(result)
  return [
    ...(result.note === undefined ? [] : [result.note]),
    ...(details.length === 0 ? [] : [details.join(', ')]),
    ...(missed.length === 0 ? [] : [`short of ${missed.join(', ')}`]),
    ...result.errors.map((error) => `WRONG: ${error}`),
  ].map((remark) => `  ${result.row}: ${remark}`)
}

/** The one table, and remarks below it. RSS: `l` lancamentos, `c` consolidado, `e` entregas (of two, the larger). */
export const formatTable = (results: readonly RowResult[]): string => {
  const rows = [HEADINGS, ...results.map(cellsOf)]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        RIGHT.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  const [heading = [], ...body] = rows
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  return [line(heading), rule, ...body.map(line), '', ...results.flatMap(remarksOn)].join('\n')
}
