import { answeredErrors, ledgerSettled } from '../check.ts'
import { type OrdersState, ordersErrors, ordersOf } from '../check-orders.ts'
import { type Bench, type Group, sampleSeconds } from '../context.ts'
import { MERCHANTS } from '../entries.ts'
import type { LoadPlan, PlannedRequest } from '../load/plan.ts'
import { MARK } from '../load/plan.ts'
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
import { createOrders, orderJson } from '../orders.ts'
import type { MeasuredProcess } from '../processes.ts'
import { chaveOf } from '../requests.ts'
import { summarise } from '../result.ts'
import type { Database } from '../servers.ts'
import { emptyRedis, followed, MANUAL, receiveOrders } from './orders-setting.ts'

const CONNECTIONS = 64
const SECONDS = 3
/** Different orders that a load sends in turn. */
const ORDERS_OF_A_LOAD = 600
const SEED = 5
/** More transitions a second than any sample reaches: no order is moved twice. */
const TRANSITIONS_PER_SECOND_MAX = 10_000
const WARM_UP_SECONDS = 1
/** The merchant of an order is in the last two hex digits of its id, so that one plan moves the orders of all of them. */
const MERCHANT_DIGITS = 2
const merchantHex = (index: number): string => index.toString(16).padStart(MERCHANT_DIGITS, '0')

const headersOf = async (bench: Bench, comercianteId: string) => ({
  Authorization: `Bearer ${await bench.token(comercianteId)}`,
  'Content-Type': 'application/json',
})

/** Orders of many merchants. */
const postRequests = (bench: Bench): Promise<PlannedRequest[]> => {
  const next = createOrders({ seed: SEED, plain: bench.options.plain })
  return Promise.all(
    Array.from({ length: ORDERS_OF_A_LOAD }, next).map(async (order): Promise<PlannedRequest> => {
      const key = order.withChave && { 'Idempotency-Key': chaveOf(MARK) }
      const headers = { ...(await headersOf(bench, order.comercianteId)), ...key }
      return { method: 'POST', path: '/orders', headers, body: orderJson(order, MARK) }
    }),
  )
}

/** The first step of orders of every merchant: `MARK` is what the ids of a round have in common. */
const transitionRequests = (bench: Bench): Promise<PlannedRequest[]> =>
  Promise.all(
    MERCHANTS.map(async (merchant, index): Promise<PlannedRequest> => {
      const id = `${MARK}${merchantHex(index)}`
      const key = !bench.options.plain && index % 2 === 0 && { 'Idempotency-Key': `passo-${id}` }
      const headers = { ...(await headersOf(bench, merchant)), ...key }
      const body = '{"status":"IN_TRANSIT","location":"Centro de distribuição"}'
      return { method: 'POST', path: `/orders/${id}/transitions`, headers, body }
    }),
  )

type Compared = {
  bench: Bench
  row: RowName
  unit: string
  database: Database
  product: MeasuredProcess
  before: OrdersState
  plans: { echo: () => LoadPlan; product: () => LoadPlan }
  note: string
}

/** Measures the product beside the bare echo; every answered request must be one event of the log, and no more. */
const compare = async (compared: Compared): Promise<void> => {
  const { bench, row, unit, database, product, before, plans, note } = compared
  const bare = await bench.start.bare()
  const settled = () => ledgerSettled(database.ownerUrl)
  const targets: Target[] = [
    { name: bare.name, service: bare, plan: plans.echo },
    { name: product.name, service: product, plan: plans.product, settled },
  ]
  const [, warm = 0] = await warmUp(bench, targets, CONNECTIONS)
  await resetPeaks([product])
  const shape = { connections: CONNECTIONS, seconds: sampleSeconds(bench, SECONDS) }
  const [echo, measured] = (await interleave(bench, targets, shape)) as [Measured, Measured]
  await bare.stop()
  const after = await ordersOf(database)
  const cutOff = CONNECTIONS * (bench.options.samples + 1)
  bench.report(
    summarise({
      row,
      unit,
      samples: measured.samples,
      yardsticks: { echo: echo.samples },
      rssMb: await peaksOf([product]),
      cpu: measured.cpu,
      details: cpuDetails({ echo }),
      errors: [
        ...answerErrors('entregas', measured),
        ...answerErrors('the echo', echo),
        ...ordersErrors(after),
        ...answeredErrors(after.events - before.events, measured.answered + warm, cutOff),
      ],
      note,
    }),
  )
}

const posts = async (bench: Bench): Promise<void> => {
  const database = await bench.servers.createDatabase('entregas')
  const product = await bench.start.service('entregas', database, { env: MANUAL })
  const requests = await postRequests(bench)
  const plan = (): LoadPlan => ({ requests, first: bench.nextNumbers() })
  const before = await ordersOf(database)
  const note = 'the relay and the follower of the flow at work; nothing moves by itself'
  const plans = { echo: plan, product: plan }
  await compare({ bench, row: 'post-orders-64', unit: 'POST/s', database, product, before, plans, note })
  await product.stop()
}

const transitions = async (bench: Bench): Promise<void> => {
  const database = await bench.servers.createDatabase('entregas')
  const seconds = Math.ceil(sampleSeconds(bench, SECONDS))
  const rounds = (of: number) => Math.ceil((of * TRANSITIONS_PER_SECOND_MAX) / MERCHANTS.length)
  const ofLoads = [rounds(WARM_UP_SECONDS), ...Array.from({ length: bench.options.samples }, () => rounds(seconds))]
  const count = ofLoads.reduce((sum, of) => sum + of, 0) * MERCHANTS.length
  const merchantAt = (n: number) => n % MERCHANTS.length
  let round = ''
  const ids = await receiveOrders(bench, database, {
    count,
    merchantOf: (n) => MERCHANTS[merchantAt(n)] ?? '',
    idOf: (n, uuid) => {
      if (merchantAt(n) === 0) round = uuid.slice(0, -MERCHANT_DIGITS)
      return `${round}${merchantHex(merchantAt(n))}`
    },
  })
  const values = ids.filter((_, n) => merchantAt(n) === 0).map((id) => id.slice(0, -MERCHANT_DIGITS))
  const product = await bench.start.service('entregas', database, { env: MANUAL })
  await followed(database)
  const requests = await transitionRequests(bench)
  let taken = 0
  const fresh = (): LoadPlan => {
    const of = ofLoads.shift() ?? 0
    const plan = { requests, values: values.slice(taken, taken + of), first: 0 }
    taken += of
    return plan
  }
  const before = await ordersOf(database)
  const note = `each moves another one of ${count.toLocaleString('en')} orders of ${MERCHANTS.length} merchants`
  const plans = { echo: () => ({ requests, values, first: 0 }), product: fresh }
  await compare({ bench, row: 'transitions', unit: 'transitions/s', database, product, before, plans, note })
  await product.stop()
}

const run = async (bench: Bench): Promise<void> => {
  await emptyRedis(bench)
  if (bench.wants('post-orders-64')) await posts(bench)
  await emptyRedis(bench)
  if (bench.wants('transitions')) await transitions(bench)
}

/** `POST /orders` and `POST /orders/{id}/transitions` of one instance. */
export const ordersGroup: Group = { rows: ['post-orders-64', 'transitions'], run }
