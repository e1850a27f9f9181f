import { type CsvFormat, csvWriter } from '@fluxo/shared/csv/writer'
import { decimalFromCents } from '@fluxo/shared/money'

/** One day with entries, in cents. */
export type DaySum = { data: string; creditos: bigint; debitos: bigint; quantidade: number }

/** A day within a period: its own balance, and the balance of everything up to its end. */
export type PeriodDay = DaySum & { daySaldo: bigint; runningSaldo: bigint }

export type Period = {
  de: string
  ate: string
  openingSaldo: bigint
  creditos: bigint
  debitos: bigint
  closingSaldo: bigint
  days: PeriodDay[]
}

/**
 * Puts a period together: `openingSaldo` is everything before `de`, and each day carries it on.
 *
 * `days` are the days with entries, in order; days without entries are not listed, since they change nothing.
 */
export function consultarPeriod(de: string, ate: string, openingSaldo: bigint, days: readonly DaySum[]): Period {
  let creditos = 0n
  let debitos = 0n
  const listed = days.map((day) => {
    creditos += day.creditos
    debitos += day.debitos
    return { ...day, daySaldo: day.creditos - day.debitos, runningSaldo: openingSaldo + creditos - debitos }
  })
  return { de, ate, openingSaldo, creditos, debitos, closingSaldo: openingSaldo + creditos - debitos, days: listed }
}

/** The amounts of a day in the order of its columns. */
const dayAmounts = (day: PeriodDay): bigint[] => [day.creditos, day.debitos, day.daySaldo, day.runningSaldo]

const dayJson = (day: PeriodDay): string => {
  const [creditos, debitos, ofDay, runningTotal] = dayAmounts(day).map(decimalFromCents)
  return (
    `{"data":"${day.data}","total_creditos":${creditos},"total_debitos":${debitos},"saldo_do_dia":${ofDay}` +
    `,"saldo_acumulado":${runningTotal},"quantidade":${day.quantidade}}`
  )
}

/** The body of `GET /consolidado?de=&ate=`: amounts are JSON numbers with two decimals, written from the cents. */
export const periodJson = (period: Period): string =>
  `{"de":"${period.de}","ate":"${period.ate}","saldo_inicial":${decimalFromCents(period.openingSaldo)}` +
  `,"total_creditos":${decimalFromCents(period.creditos)},"total_debitos":${decimalFromCents(period.debitos)}` +
  `,"saldo_final":${decimalFromCents(period.closingSaldo)},"dias":[${period.days.map(dayJson).join(',')}]}`

const PERIOD_COLUMNS = [
  'data',
  'total_creditos',
  'total_debitos',
  'saldo_do_dia',
  'saldo_acumulado',
  'quantidade',
] as const

/**
 * The days of a period as CSV: for programs (RFC 4180) or for people (`csvWriter`). Nothing in it needs quoting.
 *
 * The totals are no rows, so that the columns can be summed; the answer's headers carry `saldo_inicial` and `saldo_final`.
 */
export function periodCsv(period: Period, format: CsvFormat): string {
  const csv = csvWriter(format)
  const lines = period.days.map((day) =>
    csv.line([csv.day(day.data), ...dayAmounts(day).map(csv.amount), day.quantidade]),
  )
  return [csv.begin, csv.line(PERIOD_COLUMNS), ...lines].join('')
}
