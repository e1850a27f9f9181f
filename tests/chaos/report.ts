/** What one round came to. */
export type RoundResult = {
  fault: string
  /** The fault that came on top, if any. */
  also: string | undefined
  requests: number
  refused: number
  unanswered: number
  lost: number
  duplicated: number
  /** What 99 of 100 answers took at most, in milliseconds; 0 where there was none. */
  p99Ms: number
  /** From the end of the fault until everything was exact; undefined where it never was. */
  exactSeconds: number | undefined
  orders: OrderResult
}

/** What a round came to for orders and their webhooks. */
export type OrderResult = {
  orders: number
  /** Changes that merchants asked for, and those for which the automatic flow was faster. */
  moves: number
  outrun: number
  /** Entries that the ledger owed for deliveries, and for returns after them. */
  paid: number
  reversed: number
  lost: number
  duplicated: number
  /** Events that the receivers of webhooks took, and how often they took one once more. */
  events: number
  again: number
  /** Requests that they refused for a wrong time, and redeliveries that the check asked for. */
  stale: number
  asked: number
}

type Line = Omit<RoundResult, 'exactSeconds' | 'also' | 'fault' | 'orders'> & {
  injected: number
  seconds: number[]
  never: number
}

const HEADINGS = [
  'fault',
  'injected',
  'requests',
  'refused',
  'unanswered',
  'p99, ms',
  'lost',
  'duplicated',
  'exact again, s',
]

const NOTHING = { injected: 0, requests: 0, refused: 0, unanswered: 0, p99Ms: 0, lost: 0, duplicated: 0, never: 0 }

const sum = (rounds: readonly RoundResult[], injected: number): Line => {
  const line: Line = { ...NOTHING, injected, seconds: [] }
  for (const round of rounds) {
    line.requests += round.requests
    line.refused += round.refused
    line.unanswered += round.unanswered
    // Of several rounds the worst.
    line.p99Ms = Math.max(line.p99Ms, Math.round(round.p99Ms))
    line.lost += round.lost
    line.duplicated += round.duplicated
    if (round.exactSeconds === undefined) line.never += 1
    else line.seconds.push(round.exactSeconds)
  }
  return line
}

const secondsText = ({ seconds, never }: Line): string => {
  if (never > 0) return 'NEVER'
  if (seconds.length === 0) return '–'
  const sorted = seconds.toSorted((a, b) => a - b)
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  return `${median.toFixed(1)} (at most ${(sorted.at(-1) ?? 0).toFixed(1)})`
}

const cells = (name: string, line: Line): string[] => [
  name,
  ...[line.injected, line.requests, line.refused, line.unanswered, line.p99Ms, line.lost, line.duplicated].map(String),
  secondsText(line),
]

const formatTable = (all: readonly (readonly string[])[]): string => {
  const [headings = [], ...rows] = all
  const widths = headings.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)))
  const text = (row: readonly string[]) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [text(headings), rule, ...rows.map(text)].join('\n')
}

/**
 * The closing table, as Markdown: a line a fault in the order of `names`, and all together. A fault that came on top of
 * another counts as injected; what came of that round stands with the other.
 */
export const formatReport = (names: readonly string[], rounds: readonly RoundResult[]): string => {
  const rows = names.map((name) => {
    const injected = rounds.filter(({ fault, also }) => fault === name || also === name).length
    return cells(
      name,
      sum(
        rounds.filter(({ fault }) => fault === name),
        injected,
      ),
    )
  })
  const total = rounds.length + rounds.filter(({ also }) => also !== undefined).length
  return formatTable([HEADINGS, ...rows, cells('all', sum(rounds, total))])
}

/** Columns of the second table. */
const ORDER_HEADINGS: Readonly<Record<keyof OrderResult, string>> = {
  orders: 'orders',
  moves: 'changes',
  outrun: 'outrun',
  paid: 'paid',
  reversed: 'reversed',
  events: 'webhooks',
  again: 'repeated',
  stale: 'stale',
  asked: 'asked for',
  lost: 'lost',
  duplicated: 'duplicated',
}

/** The table of orders and webhooks, in the same style. */
export const formatOrders = (names: readonly string[], rounds: readonly RoundResult[]): string => {
  const columns = Object.keys(ORDER_HEADINGS) as (keyof OrderResult)[]
  const line = (name: string, of: readonly RoundResult[]): string[] => [
    name,
    ...columns.map((column) => String(of.reduce((total, { orders }) => total + orders[column], 0))),
  ]
  const rows = names.map((name) =>
    line(
      name,
      rounds.filter(({ fault }) => fault === name),
    ),
  )
  return formatTable([['fault', ...Object.values(ORDER_HEADINGS)], ...rows, line('all', rounds)])
}
