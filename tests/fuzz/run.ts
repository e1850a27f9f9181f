import { createBooks } from './books.ts'
import { CASE_CLASSES, type Case, type CaseClass, type Surroundings } from './case.ts'
import { caseOf } from './cases.ts'
import { ANSWER_MS_MAX, complaintsOf } from './oracle.ts'
import { exchange } from './wire.ts'

/** One case that was not answered as it should have been. */
type Failure = { number: number; class: CaseClass; complaints: string[]; request: string }

/** Answers by class and status; 0 stands for a connection that ended without an answer. */
export type Counts = Map<CaseClass, Map<number, number>>

export type Result = { counts: Counts; failures: Failure[]; entries: number; slowestMs: number }

const AT_ONCE = 24
const SHOWN_BYTES = 600
/** Until a fresh process has seen this many it still grows to its usual size, some 50 MB more than at its start. */
const WARM_CASES_MIN = 2_000
/** More failures than anybody reads: the run ends. */
const FAILURES_MAX = 20

/** Sends the cases `from` to below `to` of a seed, some at once, and judges every answer. */
export const runCases = async (deps: {
  seed: number
  from: number
  to: number
  around: Surroundings
  urlOf: (service: Case['operation']['service']) => string
  /** Statuses that whoever stands between may answer with. */
  beside?: readonly number[]
  /** Called once, when a tenth of the cases is done and `WARM_CASES_MIN` at least: by then everything is warm. */
  onWarm?: () => Promise<void>
}): Promise<Result> => {
  const { seed, from, to, around, urlOf, beside = [], onWarm } = deps
  const counts: Counts = new Map(CASE_CLASSES.map((name) => [name, new Map()]))
  const failures: Failure[] = []
  const books = createBooks()
  let slowestMs = 0
  const one = async (number: number): Promise<void> => {
    const drawn = caseOf(seed, number, around)
    const made = { ...drawn, beside: [...drawn.beside, ...beside] }
    const { operation, pieces, pauseMs = 0, halfClose = false } = made
    const settings = { pauseMs, halfClose, timeoutMs: ANSWER_MS_MAX }
    const came = await exchange(urlOf(operation.service), pieces, settings)
    slowestMs = Math.max(slowestMs, came.ms)
    books.note(operation.method, operation.path, came.answers)
    const statuses = came.answers.length > 0 ? came.answers.map(({ status }) => status) : [0]
    for (const status of statuses) {
      const of = counts.get(made.class)
      of?.set(status, (of.get(status) ?? 0) + 1)
    }
    const complaints = complaintsOf(made, came)
    const request = Buffer.concat(pieces).toString('latin1').slice(0, SHOWN_BYTES)
    if (complaints.length > 0) failures.push({ number, class: made.class, complaints, request })
  }
  let next = from
  const worker = async (until: number): Promise<void> => {
    while (next < until && failures.length < FAILURES_MAX) {
      next += 1
      await one(next - 1)
    }
  }
  const all = (until: number) => Promise.all(Array.from({ length: AT_ONCE }, () => worker(until)))
  await all(Math.min(to, from + Math.max(WARM_CASES_MIN, Math.floor((to - from) / 10))))
  await onWarm?.()
  await all(to)
  return { counts, failures, entries: books.entries(), slowestMs }
}

const COLUMNS: readonly [string, (status: number) => boolean][] = [
  ['2xx', (status) => status >= 200 && status < 300],
  ['304', (status) => status === 304],
  ['400', (status) => status === 400],
  ['401/403', (status) => status === 401 || status === 403],
  ['404/405', (status) => status === 404 || status === 405],
  ['408', (status) => status === 408],
  ['409', (status) => status === 409],
  ['413/414/431', (status) => [413, 414, 431].includes(status)],
  ['415', (status) => status === 415],
  ['422', (status) => status === 422],
  ['429', (status) => status === 429],
  ['503', (status) => status === 503],
  ['other', (status) => [411, 417, 500, 501, 502, 504, 505].includes(status)],
  ['cut', (status) => status === 0],
]

/** The counts as a table, a line for each class. */
export const tableOf = (counts: Counts): string => {
  const row = (name: string, cells: readonly (string | number)[]) =>
    name.padEnd(14) +
    cells.map((cell, i) => String(cell).padStart(Math.max(7, (COLUMNS[i]?.[0].length ?? 0) + 1))).join('')
  const lines = [...counts].map(([name, byStatus]) => {
    const sums = COLUMNS.map(([, belongs]) =>
      [...byStatus].reduce((sum, [status, times]) => (belongs(status) ? sum + times : sum), 0),
    )
    return row(
      name,
      sums.map((sum) => (sum === 0 ? '·' : sum)),
    )
  })
  return [
    row(
      'class',
      COLUMNS.map(([name]) => name),
    ),
    ...lines,
  ].join('\n')
}
