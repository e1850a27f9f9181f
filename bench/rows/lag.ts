import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { balanceErrors, catchUpErrors, ledgerErrors, readLedger, withSql } from '../check.ts'
import { type Bench, sampleSeconds } from '../context.ts'
import { MERCHANTS } from '../entries.ts'
import { type LagPlan, type LagResult, LagResultSchema } from '../load/lag-plan.ts'
import { runProgram } from '../load/run-program.ts'
import { peaksOf, resetPeaks } from '../measure.ts'
import type { RowName } from '../options.ts'
import { type RowResult, type Sample, summarise } from '../result.ts'
import { median, percentile } from '../statistics.ts'
import type { ReadSetting } from './read-setting.ts'

type LagRow = { row: RowName; rate: number; seconds: number }

export const LAGS: readonly LagRow[] = [
  { row: 'lag-200', rate: 200, seconds: 4 },
  { row: 'lag-1000', rate: 1_000, seconds: 3 },
]

const GENERATOR = join(import.meta.dirname, '..', 'load', 'lag-generator.ts')
const WARM_UP_SECONDS = 6
/** Readers that wait, a second: enough for a 99th percentile, few enough not to be the load. */
const PROBES_PER_SECOND_MAX = 250
const GRACE_MS = 30_000

const generate = async (bench: Bench, plan: LagPlan): Promise<LagResult> => {
  bench.check()
  const file = join(bench.folder, `lag-${plan.first}.json`)
  await writeFile(file, JSON.stringify(plan), { mode: 0o600 })
  const timeoutMs = (plan.seconds + plan.warmUpSeconds) * 1000 + GRACE_MS
  try {
    const output = await runProgram({ program: process.execPath, args: [GENERATOR, file], timeoutMs, env: {} })
    return LagResultSchema.parse(JSON.parse(output))
  } finally {
    await rm(file)
  }
}

const planOf = async (
  { bench, lancamentos, consolidado }: ReadSetting,
  { rate, seconds }: LagRow,
): Promise<LagPlan> => ({
  postUrl: lancamentos.url,
  getUrl: consolidado.url,
  tokens: Object.fromEntries(
    await Promise.all(MERCHANTS.map(async (name) => [name, await bench.token(name)] as const)),
  ),
  rate,
  warmUpSeconds: WARM_UP_SECONDS,
  seconds: sampleSeconds(bench, seconds),
  probeEvery: Math.ceil(rate / PROBES_PER_SECOND_MAX),
  first: bench.nextNumbers(),
  plain: bench.options.plain,
})

const sampleOf = ({ lagMs }: LagResult): Sample => ({
  value: percentile(lagMs, 0.99),
  p50: percentile(lagMs, 0.5),
  p99: percentile(lagMs, 0.99),
  max: percentile(lagMs, 1),
})

const errorsOf = async ({ ledger, balances }: ReadSetting, results: readonly LagResult[], before: number) => {
  const state = await withSql(ledger.ownerUrl, readLedger)
  const created = results.reduce((sum, { created }) => sum + created, 0)
  const failures = results.reduce((sum, { failures }) => sum + failures, 0)
  return [
    ...(failures === 0 ? [] : [`${failures} requests failed`]),
    ...ledgerErrors(state),
    ...(state.count === before + created
      ? []
      : [`${created} answered with 201, ${state.count - before} in the ledger`]),
    ...(await catchUpErrors(balances.ownerUrl, state.ultima)),
    ...(await balanceErrors(ledger.ownerUrl, balances.ownerUrl)),
  ]
}

/** Measures how long an entry takes from the sending of its POST to a balance that contains it, at a constant rate. */
export const lag = async (setting: ReadSetting, row: LagRow): Promise<RowResult> => {
  const { bench, ledger, lancamentos, consolidado } = setting
  const { count: before } = await withSql(ledger.ownerUrl, readLedger)
  await resetPeaks([lancamentos, consolidado])
  const results: LagResult[] = []
  while (bench.another(results.length)) {
    results.push(await generate(bench, await planOf(setting, row)))
  }
  const middle = (field: 'afterAnswerMs' | 'postMs', share: number) =>
    median(results.map((result) => percentile(result[field], share)))
  return summarise({
    row: row.row,
    unit: 'ms p99',
    samples: results.map(sampleOf),
    rssMb: await peaksOf([lancamentos, consolidado]),
    details: {
      'POST alone p50': middle('postMs', 0.5),
      'POST alone p99': middle('postMs', 0.99),
      'from its answer p50': middle('afterAnswerMs', 0.5),
      'from its answer p99': middle('afterAnswerMs', 0.99),
      'generator late by at most (ms)': Math.max(...results.map(({ lateMsMax }) => lateMsMax)),
      'readers that waited': results.reduce((sum, { lagMs }) => sum + lagMs.length, 0),
    },
    errors: await errorsOf(setting, results, before),
    note: 'from sending the POST to the answer of a GET that waits in the service for its Fluxo-Posicao: nothing polls',
  })
}
