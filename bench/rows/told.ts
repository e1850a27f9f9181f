import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { waitUntil } from '../../scripts/local/wait-until.ts'
import { ordersErrors, ordersOf } from '../check-orders.ts'
import type { Bench, Group } from '../context.ts'
import { type ListenerPlan, type ListenerResult, ListenerResultSchema } from '../load/listener-plan.ts'
import { runProgram } from '../load/run-program.ts'
import { peaksOf, resetPeaks } from '../measure.ts'
import type { MeasuredProcess } from '../processes.ts'
import { type RowResult, type Sample, summarise } from '../result.ts'
import { median, percentile } from '../statistics.ts'
import { emptyRedis, followed, MANUAL, receiveOrders } from './orders-setting.ts'

const MERCHANT = 'loja-1'

const STREAMS = 1_000
const LISTENERS = join(import.meta.dirname, '..', 'load', 'listeners.ts')
const LISTEN_TIMEOUT_MS = 60_000
/** One order with a thousand listeners, seven events of which the first two are thrown away. */
const LONG_WAY = ['SEPARATED', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED', 'OUT_FOR_DELIVERY', 'DELIVERED']
const LONG_WARM_UP = 2
/** A thousand orders with a listener each. */
const SHORT_WAY = ['SEPARATED', 'IN_TRANSIT', 'DELIVERED']
const SHORT_WARM_UP = 1
const MOVES_PER_SECOND = 500

const EVENTS = 2_000
const WEBHOOKS_TIMEOUT_MS = 60_000
/** A look costs the receiver as much as a webhook. */
const LOOK_MS = 50
const CountSchema = z.object({ received: z.number(), different: z.number(), milliseconds: z.number() })

const listen = async (bench: Bench, plan: ListenerPlan): Promise<ListenerResult> => {
  bench.check()
  const file = join(bench.folder, `listeners-${bench.nextNumbers()}.json`)
  await writeFile(file, JSON.stringify(plan), { mode: 0o600 })
  try {
    const args = [LISTENERS, file]
    const output = await runProgram({ program: process.execPath, args, timeoutMs: LISTEN_TIMEOUT_MS, env: {} })
    return ListenerResultSchema.parse(JSON.parse(output))
  } finally {
    await rm(file)
  }
}

const sampleOf = (heardMs: readonly number[]): Sample & { value: number } => ({
  value: percentile(heardMs, 0.99),
  p50: percentile(heardMs, 0.5),
  p99: percentile(heardMs, 0.99),
  max: percentile(heardMs, 1),
})

/** One sample of each kind; the slower of the two is the row's figure. */
const streams = async (bench: Bench): Promise<RowResult> => {
  const database = await bench.servers.createDatabase('entregas')
  const entregas = await bench.start.service('entregas', database, { env: MANUAL })
  const token = await bench.token(MERCHANT)
  const base = { url: entregas.url, token, streams: STREAMS, rate: MOVES_PER_SECOND }
  await resetPeaks([entregas])
  const one: Sample[] = []
  const each: Sample[] = []
  let failures = 0
  while (bench.another(one.length)) {
    const orders = await receiveOrders(bench, database, { count: 1 + STREAMS, merchantOf: () => MERCHANT })
    await followed(database)
    const [first = '', ...others] = orders
    const crowd = await listen(bench, { ...base, orders: [first], transitions: LONG_WAY, warmUp: LONG_WARM_UP })
    const many = await listen(bench, { ...base, orders: others, transitions: SHORT_WAY, warmUp: SHORT_WARM_UP })
    one.push(sampleOf(crowd.heardMs))
    each.push(sampleOf(many.heardMs))
    failures += crowd.failures + many.failures
  }
  const rssMb = await peaksOf([entregas])
  await entregas.stop()
  const [crowd, many] = [one, each].map((samples) => median(samples.map(({ value }) => value)))
  return summarise({
    row: 'sse-1000',
    unit: 'ms p99',
    samples: (crowd ?? 0) >= (many ?? 0) ? one : each,
    rssMb,
    details: {
      'one event to 1,000 streams p99': crowd ?? 0,
      [`1,000 orders with a stream each, ${MOVES_PER_SECOND} moves/s p99`]: many ?? 0,
    },
    errors: [
      ...(failures === 0 ? [] : [`${failures} events were missing, twice or out of order on a stream`]),
      ...ordersErrors(await ordersOf(database)),
    ],
    note: 'from sending the transition to its event in the client, which is a process of its own; the slower of both kinds',
  })
}

const countOf = async (receiver: MeasuredProcess) =>
  CountSchema.parse(await fetch(`${receiver.url}/contagem`).then((response) => response.json()))

/** Sends the webhooks of so many events to a fresh receiver; its own clock counts from the first to the last. */
const sendOnce = async (bench: Bench): Promise<{ sample: Sample; rssMb: number; errors: string[]; again: number }> => {
  await emptyRedis(bench)
  const database = await bench.servers.createDatabase('entregas')
  const entregas = await bench.start.service('entregas', database, { env: MANUAL })
  const told = await bench.servers.createDatabase('avisos')
  const avisos = await bench.start.service('avisos', told, {
    env: { AVISOS_LOOPBACK: 'true' },
    asks: { entregas },
  })
  const receiver = await bench.start.receiver()
  const made = await fetch(`${avisos.url}/webhooks`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await bench.token(MERCHANT)}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ url: `${receiver.url}/avisos` }),
  })
  const text = await made.text()
  if (made.status !== 201) throw new Error(`the webhook was answered ${text}`)
  await receiveOrders(bench, database, { count: EVENTS, merchantOf: () => MERCHANT })
  const done = async () => (await countOf(receiver)).different >= EVENTS
  await waitUntil(done, { timeoutMs: WEBHOOKS_TIMEOUT_MS, everyMs: LOOK_MS })
  const { received, different, milliseconds } = await countOf(receiver)
  const rss = Object.values(await peaksOf([avisos]))
  await avisos.stop()
  await entregas.stop()
  await receiver.stop()
  await bench.servers.dropDatabase(database)
  await bench.servers.dropDatabase(told)
  return {
    sample: { value: ((different - 1) * 1000) / milliseconds },
    rssMb: Math.max(0, ...rss),
    errors: different === EVENTS ? [] : [`of ${EVENTS} events ${different} reached the receiver`],
    again: received - different,
  }
}

const webhooks = async (bench: Bench): Promise<RowResult> => {
  const sent: Awaited<ReturnType<typeof sendOnce>>[] = []
  while (bench.another(sent.length)) sent.push(await sendOnce(bench))
  return summarise({
    row: 'webhooks',
    unit: 'webhooks/s',
    samples: sent.map(({ sample }) => sample),
    rssMb: { avisos: Math.max(...sent.map(({ rssMb }) => rssMb)) },
    details: { 'of them sent again': sent.reduce((sum, { again }) => sum + again, 0) },
    errors: sent.flatMap(({ errors }) => errors),
    note: `one webhook, ${EVENTS.toLocaleString('en')} events; from the first to the last one at the receiver, by its clock`,
  })
}

const run = async (bench: Bench): Promise<void> => {
  await emptyRedis(bench)
  if (bench.wants('sse-1000')) bench.report(await streams(bench))
  if (bench.wants('webhooks')) bench.report(await webhooks(bench))
}

/** Who is told of an order: open streams, and receivers of webhooks. */
export const toldGroup: Group = { rows: ['sse-1000', 'webhooks'], run }
