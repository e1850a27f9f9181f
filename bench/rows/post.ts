import {
  answeredErrors,
  balanceErrors,
  catchUpErrors,
  ledgerErrors,
  ledgerSettled,
  readLedger,
  withSql,
} from '../check.ts'
import { type Bench, type Group, sampleSeconds } from '../context.ts'
import type { LoadPlan, PlannedRequest } from '../load/plan.ts'
import {
  answerErrors,
  cpuDetails,
  interleave,
  type Measured,
  peaksOf,
  resetPeaks,
  type Target,
  warmUp,
} from '../measure.ts'
import type { RowName } from '../options.ts'
import type { MeasuredProcess } from '../processes.ts'
import { batchRequests, entryRequests } from '../requests.ts'
import { type RowResult, summarise } from '../result.ts'
import type { Database } from '../servers.ts'

type PostRow = { row: RowName; connections: number; seconds: number }

/** The row that has a reach gets the longer samples. */
const SINGLES: readonly PostRow[] = [
  { row: 'post-16', connections: 16, seconds: 2 },
  { row: 'post-64', connections: 64, seconds: 3 },
  { row: 'post-256', connections: 256, seconds: 2 },
]
const BATCH: PostRow = { row: 'post-batch', connections: 4, seconds: 2 }
const FOLLOWED: PostRow = { row: 'post-64-followed', connections: 64, seconds: 3 }
const BATCH_ENTRIES = 500
const WARM_UP_CONNECTIONS = 64

type Setting = {
  bench: Bench
  ledger: Database
  product: MeasuredProcess
  bare: MeasuredProcess
  single: MeasuredProcess
  singleLedger: Database
}

const planOf = (bench: Bench, requests: readonly PlannedRequest[]) => (): LoadPlan => ({
  requests,
  first: bench.nextNumbers(),
})

/** The ledger after a row: gapless, and with every answered entry. Each load may have left a cut-off request a connection. */
const entriesErrors = async (database: Database, before: number, answered: number, cutOffMax: number) => {
  const state = await withSql(database.ownerUrl, readLedger)
  return [...ledgerErrors(state), ...answeredErrors(state.count - before, answered, cutOffMax)]
}

/** What is measured: the bare echo, the product, one transaction per request. */
const targetsOf = ({ bare, product, single, ledger, singleLedger }: Setting, plan: () => LoadPlan): Target[] => [
  { name: bare.name, service: bare, plan },
  { name: product.name, service: product, plan, settled: () => ledgerSettled(ledger.ownerUrl) },
  { name: single.name, service: single, plan, settled: () => ledgerSettled(singleLedger.ownerUrl) },
]

const countOf = (database: Database): Promise<number> =>
  withSql(database.ownerUrl, readLedger).then(({ count }) => count)

const single = async (setting: Setting, requests: readonly PlannedRequest[], row: PostRow): Promise<RowResult> => {
  const { bench, ledger, product, singleLedger } = setting
  const plan = planOf(bench, requests)
  const before = [await countOf(ledger), await countOf(singleLedger)] as const
  await resetPeaks([product])
  const targets = targetsOf(setting, plan)
  const shape = { connections: row.connections, seconds: sampleSeconds(bench, row.seconds) }
  const [echo, posts, oneByOne] = (await interleave(bench, targets, shape)) as [Measured, Measured, Measured]
  const cutOff = row.connections * bench.options.samples
  return summarise({
    row: row.row,
    unit: 'POST/s',
    samples: posts.samples,
    yardsticks: { echo: echo.samples, '1-tx': oneByOne.samples },
    rssMb: await peaksOf([product]),
    cpu: posts.cpu,
    details: cpuDetails({ echo, '1-tx': oneByOne }),
    errors: [
      ...answerErrors('lancamentos', posts),
      ...answerErrors('the echo', echo),
      ...answerErrors('one transaction per request', oneByOne),
      ...(await entriesErrors(ledger, before[0], posts.answered, cutOff)),
      ...(await entriesErrors(singleLedger, before[1], oneByOne.answered, cutOff)),
    ],
  })
}

/** The same with consolidado at work: a sample lasts until everything is in the balances, so that all that it costs counts. */
const followed = async (
  { bench, ledger, product }: Setting,
  requests: readonly PlannedRequest[],
): Promise<RowResult> => {
  const balances = await bench.servers.createDatabase('consolidado')
  const reader = await bench.start.service('consolidado', balances, { asks: { lancamentos: product } })
  const late: string[] = []
  const settled = async () => {
    await ledgerSettled(ledger.ownerUrl)
    late.push(...(await catchUpErrors(balances.ownerUrl, (await withSql(ledger.ownerUrl, readLedger)).ultima)))
  }
  await settled()
  const target: Target = {
    name: product.name,
    service: product,
    beside: [reader],
    plan: planOf(bench, requests),
    settled,
  }
  const before = await countOf(ledger)
  const [warm = 0] = await warmUp(bench, [target], FOLLOWED.connections)
  await resetPeaks([product, reader])
  const shape = { connections: FOLLOWED.connections, seconds: sampleSeconds(bench, FOLLOWED.seconds) }
  const [posts] = (await interleave(bench, [target], shape)) as [Measured]
  const cutOff = FOLLOWED.connections * (bench.options.samples + 1)
  return summarise({
    row: FOLLOWED.row,
    unit: 'POST/s',
    samples: posts.samples,
    rssMb: await peaksOf([product, reader]),
    cpu: posts.cpu,
    errors: [
      ...answerErrors('lancamentos', posts),
      ...(await entriesErrors(ledger, before, posts.answered + warm, cutOff)),
      ...late,
      ...(await balanceErrors(ledger.ownerUrl, balances.ownerUrl)),
    ],
    note: 'with consolidado at work; all CPU until everything is in the balances',
  })
}

const batch = async ({ bench, ledger, product, bare }: Setting): Promise<RowResult> => {
  const plan = planOf(bench, await batchRequests(bench, BATCH_ENTRIES))
  const units = { plan, unitsOfAnswer: BATCH_ENTRIES }
  const targets: Target[] = [
    { name: bare.name, service: bare, ...units },
    { name: product.name, service: product, ...units, settled: () => ledgerSettled(ledger.ownerUrl) },
  ]
  const before = await countOf(ledger)
  const [, warm = 0] = await warmUp(bench, targets, BATCH.connections)
  await resetPeaks([product])
  const shape = { connections: BATCH.connections, seconds: sampleSeconds(bench, BATCH.seconds) }
  const [echo, posts] = (await interleave(bench, targets, shape)) as [Measured, Measured]
  const cutOff = BATCH.connections * BATCH_ENTRIES * (bench.options.samples + 1)
  return summarise({
    row: 'post-batch',
    unit: 'entries/s',
    samples: posts.samples,
    yardsticks: { echo: echo.samples },
    rssMb: await peaksOf([product]),
    cpu: posts.cpu,
    errors: [
      ...answerErrors('lancamentos', posts),
      ...answerErrors('the echo', echo),
      ...(await entriesErrors(ledger, before, posts.answered + warm, cutOff)),
    ],
    note: `JSON arrays of ${BATCH_ENTRIES} on ${BATCH.connections} connections; latencies are those of a whole batch`,
  })
}

const run = async (bench: Bench): Promise<void> => {
  const ledger = await bench.servers.createDatabase('lancamentos')
  const singleLedger = await bench.servers.createDatabase('lancamentos')
  const product = await bench.start.service('lancamentos', ledger)
  const bare = await bench.start.bare()
  const single1 = await bench.start.singleTransaction(singleLedger)
  const setting = { bench, ledger, product, bare, single: single1, singleLedger }
  const requests = await entryRequests(bench)
  const singles = SINGLES.filter(({ row }) => bench.options.only.has(row))
  if (singles.length > 0) {
    await warmUp(bench, targetsOf(setting, planOf(bench, requests)), WARM_UP_CONNECTIONS)
  }
  for (const row of singles) if (bench.wants(row.row)) bench.report(await single(setting, requests, row))
  if (bench.wants('post-batch')) bench.report(await batch(setting))
  if (bench.wants(FOLLOWED.row)) bench.report(await followed(setting, requests))
}

/** `POST /lancamentos` and `/lancamentos/lote`, with the relay at work; only the last row has a consumer beside it. */
export const postGroup: Group = { rows: [...SINGLES.map(({ row }) => row), 'post-batch', FOLLOWED.row], run }
