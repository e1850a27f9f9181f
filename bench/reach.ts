import type { RowName } from './options.ts'
import type { RowResult } from './result.ts'

/** One thing that a row should reach, and whether it does. */
export type Verdict = { text: string; reached: boolean }

const atLeast = (value: number, limit: number, unit: string): Verdict => ({
  text: `≥ ${limit.toLocaleString('en')} ${unit}`,
  reached: value >= limit,
})

const atMost = (value: number, limit: number, unit: string): Verdict => ({
  text: `≤ ${limit.toLocaleString('en')} ${unit}`,
  reached: value <= limit,
})

/** CPU time of every process: where the system does not tell of it, there is nothing to judge. */
const cpuAtMost = ({ cpuAllUs }: RowResult, limit: number): Verdict[] =>
  cpuAllUs === undefined ? [] : [atMost(cpuAllUs, limit, 'µs of all CPU')]

const ratioTo = (result: RowResult, name: string, limit: number): Verdict => ({
  text: `≥ ${limit} × ${name}`,
  reached: (result.yardsticks.find((yardstick) => yardstick.name === name)?.ratio ?? 0) >= limit,
})

/** What must be reached. Rows that are not named here are shown for comparison only. */
const REACH: Partial<Record<RowName, (result: RowResult) => Verdict[]>> = {
  'post-64': (result) => [...cpuAtMost(result, 150), ratioTo(result, '1-tx', 4)],
  'post-64-followed': (result) => cpuAtMost(result, 190),
  'get-cached': (result) => [ratioTo(result, 'bare', 0.5)],
  'lag-200': ({ median }) => [atMost(median, 10, 'ms')],
  'lag-1000': ({ median }) => [atMost(median, 50, 'ms')],
  'drain-1': ({ median }) => [atLeast(median, 30_000, '/s')],
  'csv-import': ({ median }) => [atLeast(median, 20_000, '/s')],
  rebuild: ({ median }) => [atLeast(median, 50_000, '/s')],
  'bytes-per-entry': ({ median }) => [atMost(median, 450, 'B')],
  transitions: ({ median }) => [atLeast(median, 3_000, '/s')],
  flow: ({ median }) => [atLeast(median, 1_500, '/s')],
  'order-latency': ({ median }) => [atMost(median, 150, 'ms')],
  'sse-1000': ({ median }) => [atMost(median, 200, 'ms')],
  webhooks: ({ median }) => [atLeast(median, 500, '/s')],
}

const RSS_MAX_MB = 200
/** An import may hold a table of the lines that it has seen. */
const RSS_IMPORT_MAX_MB = 250
/** A thousand open streams are held beside everything else. */
const RSS_STREAMS_MAX_MB = 300

const RSS_LIMITS_MB: Partial<Record<RowName, number>> = {
  'csv-import': RSS_IMPORT_MAX_MB,
  'sse-1000': RSS_STREAMS_MAX_MB,
}

/** Everything that a row should reach; its services' memory included. */
export const verdictsOn = (result: RowResult): Verdict[] => {
  const peak = Math.max(0, ...Object.values(result.rssMb))
  const limit = RSS_LIMITS_MB[result.row] ?? RSS_MAX_MB
  const own = REACH[result.row]?.(result) ?? []
  return peak === 0 ? own : [...own, { text: `RSS < ${limit} MB`, reached: peak < limit }]
}
