import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { waitUntil } from '../../scripts/local/wait-until.ts'
import { withSql } from '../check.ts'
import { ordersErrors, ordersOf, readUltima } from '../check-orders.ts'
import { type Bench, type Group, sampleSeconds } from '../context.ts'
import { MERCHANTS } from '../entries.ts'
import { type OrderPlan, type OrderResult, OrderResultSchema } from '../load/order-plan.ts'
import { runProgram } from '../load/run-program.ts'
import { peaksOf, resetPeaks } from '../measure.ts'
import { type RowResult, type Sample, summarise } from '../result.ts'
import { median, percentile } from '../statistics.ts'
import { AT_ONCE, emptyRedis, receiveOrders } from './orders-setting.ts'

const WORKERS = 2
/** Some five seconds of work at the rate to be reached. */
const ORDERS = 8_000
/** Received, in transit, delivered: the original's short path. */
const EVENTS_OF_ORDER = 3
const STEPS_OF_ORDER = EVENTS_OF_ORDER - 1
const FLOW_TIMEOUT_MS = 60_000
/** One row is read each time: next to nothing beside the flow. */
const POLL_MS = 10

const GENERATOR = join(import.meta.dirname, '..', 'load', 'order-generator.ts')
/** One order now and then: how long it takes, not how many there can be. Each opens a stream and makes three commits. */
const ORDERS_PER_SECOND = 25
const LATENCY_SECONDS = 5
const WARM_UP_SECONDS = 4
const GRACE_MS = 30_000

type Flowed = { perSecond: number; rssMb: number; errors: string[] }

/**
 * Lets fresh workers carry a burst of received orders to their end.
 *
 * The clock starts when all of them are ready: the steps taken by then do not count. It stops when the log has the last step.
 */
const flowOnce = async (bench: Bench): Promise<Flowed> => {
  await emptyRedis(bench)
  const database = await bench.servers.createDatabase('entregas')
  await receiveOrders(bench, database, { count: ORDERS, merchantOf: (n) => MERCHANTS[n % MERCHANTS.length] ?? '' })
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, () => bench.start.service('entregas', database, { env: AT_ONCE })),
  )
  const all = ORDERS * EVENTS_OF_ORDER
  const { perSecond, reached } = await withSql(database.ownerUrl, async (sql) => {
    const began = performance.now()
    const before = await readUltima(sql)
    let ultima = before
    await waitUntil(
      async () => {
        bench.check()
        ultima = await readUltima(sql)
        return ultima >= all
      },
      { timeoutMs: FLOW_TIMEOUT_MS, everyMs: POLL_MS },
    )
    const seconds = (performance.now() - began) / 1000
    return { perSecond: (ultima - before) / STEPS_OF_ORDER / seconds, reached: ultima }
  })
  const rss = Object.values(await peaksOf(workers))
  await Promise.all(workers.map((worker) => worker.stop()))
  const after = await ordersOf(database)
  await bench.servers.dropDatabase(database)
  const whole = after.delivered === ORDERS && after.events === all
  const errors = whole
    ? []
    : [`of ${ORDERS} orders ${after.delivered} were delivered, with ${reached} of ${all} events`]
  return { perSecond, rssMb: Math.max(0, ...rss), errors: [...errors, ...ordersErrors(after)] }
}

const flow = async (bench: Bench): Promise<RowResult> => {
  const flowed: Flowed[] = []
  while (bench.another(flowed.length)) flowed.push(await flowOnce(bench))
  return summarise({
    row: 'flow',
    unit: 'orders/s',
    samples: flowed.map(({ perSecond }) => ({ value: perSecond })),
    rssMb: { entregas: Math.max(...flowed.map(({ rssMb }) => rssMb)) },
    errors: flowed.flatMap(({ errors }) => errors),
    note: `a burst of ${ORDERS.toLocaleString('en')} orders, from "${WORKERS} workers ready" to the last DELIVERED, delay 0`,
  })
}

const generate = async (bench: Bench, plan: OrderPlan): Promise<OrderResult> => {
  const file = join(bench.folder, `orders-${plan.first}.json`)
  await writeFile(file, JSON.stringify(plan), { mode: 0o600 })
  const timeoutMs = (plan.seconds + plan.warmUpSeconds) * 1000 + GRACE_MS
  try {
    const output = await runProgram({ program: process.execPath, args: [GENERATOR, file], timeoutMs, env: {} })
    return OrderResultSchema.parse(JSON.parse(output))
  } finally {
    await rm(file)
  }
}

const sampleOf = ({ deliveredMs }: OrderResult): Sample => ({
  value: percentile(deliveredMs, 0.99),
  p50: percentile(deliveredMs, 0.5),
  p99: percentile(deliveredMs, 0.99),
  max: percentile(deliveredMs, 1),
})

const latency = async (bench: Bench): Promise<RowResult> => {
  await emptyRedis(bench)
  const database = await bench.servers.createDatabase('entregas')
  const entregas = await bench.start.service('entregas', database, { env: AT_ONCE })
  const tokens = await Promise.all(MERCHANTS.map((merchant) => bench.token(merchant)))
  await resetPeaks([entregas])
  const results: OrderResult[] = []
  while (bench.another(results.length)) {
    bench.check()
    results.push(
      await generate(bench, {
        url: entregas.url,
        tokens,
        rate: ORDERS_PER_SECOND,
        warmUpSeconds: WARM_UP_SECONDS,
        seconds: sampleSeconds(bench, LATENCY_SECONDS),
        first: bench.nextNumbers(),
        plain: bench.options.plain,
      }),
    )
  }
  const after = await ordersOf(database)
  const delivered = results.reduce((sum, result) => sum + result.delivered, 0)
  const failures = results.reduce((sum, result) => sum + result.failures, 0)
  const rssMb = await peaksOf([entregas])
  await entregas.stop()
  return summarise({
    row: 'order-latency',
    unit: 'ms p99',
    samples: results.map(sampleOf),
    rssMb,
    details: {
      'POST alone p50': median(results.map(({ postMs }) => percentile(postMs, 0.5))),
      'POST alone p99': median(results.map(({ postMs }) => percentile(postMs, 0.99))),
      'orders measured': results.reduce((sum, { deliveredMs }) => sum + deliveredMs.length, 0),
      'generator late by at most (ms)': Math.max(...results.map(({ lateMsMax }) => lateMsMax)),
    },
    errors: [
      ...(failures === 0 ? [] : [`${failures} orders failed, or their streams ended before they were delivered`]),
      ...ordersErrors(after),
      ...(after.delivered === delivered ? [] : [`${delivered} orders were seen delivered, and ${after.delivered} are`]),
    ],
    note: `${ORDERS_PER_SECOND} orders/s; from sending the POST to DELIVERED on the order's own stream: nothing polls`,
  })
}

const run = async (bench: Bench): Promise<void> => {
  if (bench.wants('flow')) bench.report(await flow(bench))
  if (bench.wants('order-latency')) bench.report(await latency(bench))
}

/** The automatic flow without a pause between its steps: how many orders a second, and how long one of them takes. */
export const flowGroup: Group = { rows: ['flow', 'order-latency'], run }
