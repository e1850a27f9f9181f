import { type CsvFormat, csvWriter } from '@fluxo/shared/csv/writer'
import { decimalFromCents } from '@fluxo/shared/money'

/** One day with entries, in cents. */
export type DiaSomado = { data: string; creditos: bigint; debitos: bigint; quantidade: number }

/** A day within a period: its own balance, and the balance of everything up to its end. */
export type DiaDoPeriodo = DiaSomado & { saldoDoDia: bigint; saldoAcumulado: bigint }

export type Periodo = {
  de: string
  ate: string
  saldoInicial: bigint
  creditos: bigint
  debitos: bigint
  saldoFinal: bigint
  dias: DiaDoPeriodo[]
}

/**
 * Puts a period together: `saldoInicial` is everything before `de`, and each day carries it on (API.md, Consolidado).
 *
 * `dias` are the days with entries, in order; days without entries are not listed, since they change nothing.
 */
export function consultarPeriodo(de: string, ate: string, saldoInicial: bigint, dias: readonly DiaSomado[]): Periodo {
  let creditos = 0n
  let debitos = 0n
  const listados = dias.map((dia) => {
    creditos += dia.creditos
    debitos += dia.debitos
    return { ...dia, saldoDoDia: dia.creditos - dia.debitos, saldoAcumulado: saldoInicial + creditos - debitos }
  })
  return { de, ate, saldoInicial, creditos, debitos, saldoFinal: saldoInicial + creditos - debitos, dias: listados }
}

/** The amounts of a day in the order of its columns. */
const valoresDoDia = (dia: DiaDoPeriodo): bigint[] => [dia.creditos, dia.debitos, dia.saldoDoDia, dia.saldoAcumulado]

const diaJson = (dia: DiaDoPeriodo): string => {
  const [creditos, debitos, doDia, acumulado] = valoresDoDia(dia).map(decimalFromCents)
  return (
    `{"data":"${dia.data}","total_creditos":${creditos},"total_debitos":${debitos},"saldo_do_dia":${doDia}` +
    `,"saldo_acumulado":${acumulado},"quantidade":${dia.quantidade}}`
  )
}

/** The body of `GET /consolidado?de=&ate=`: amounts are JSON numbers with two decimals, written from the cents. */
export const periodoJson = (periodo: Periodo): string =>
  `{"de":"${periodo.de}","ate":"${periodo.ate}","saldo_inicial":${decimalFromCents(periodo.saldoInicial)}` +
  `,"total_creditos":${decimalFromCents(periodo.creditos)},"total_debitos":${decimalFromCents(periodo.debitos)}` +
  `,"saldo_final":${decimalFromCents(periodo.saldoFinal)},"dias":[${periodo.dias.map(diaJson).join(',')}]}`

const COLUNAS = ['data', 'total_creditos', 'total_debitos', 'saldo_do_dia', 'saldo_acumulado', 'quantidade'] as const

/**
 * The days of a period as CSV: for programs (RFC 4180) or for people (`csvWriter`). Nothing in it needs quoting.
 *
 * The totals are no rows, so that the columns can be summed; the answer's headers carry `saldo_inicial` and `saldo_final`.
 */
export function periodoCsv(periodo: Periodo, format: CsvFormat): string {
  const csv = csvWriter(format)
  const linhas = periodo.dias.map((dia) =>
    csv.line([csv.day(dia.data), ...valoresDoDia(dia).map(csv.amount), dia.quantidade]),
  )
  return [csv.begin, csv.line(COLUNAS), ...linhas].join('')
}
