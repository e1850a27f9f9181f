import { setTimeout as delay } from 'node:timers/promises'
import { amount, type Books } from './books.ts'
import { type Client, JSON_BODY } from './client.ts'
import { must } from './engine.ts'
import { lineOf, percentile, startLoad } from './load.ts'
import type { Orders } from './orders.ts'
import type { Report } from './report.ts'
import type { Stack } from './stack.ts'

type Deps = { stack: Stack; client: Client; books: Books; orders: Orders; report: Report }

/** The user's own words: 50 requests a second, at most 5 % lost. The goal is none. */
const READS_PER_SECOND = 50
const SECONDS = 60
const LOSS_MAX = 0.05
/** Some entries come meanwhile, so that there is something to lose. */
const WRITES_PER_SECOND = 5
const FAILURE_AFTER_MS = 20_000
const REDIS_AWAY_MS = 20_000

/** 50 reads a second for 60 s, with one consolidado killed and Redis stopped in the middle. */
export const checkDemand = async ({ stack, report, ...deps }: Deps): Promise<void> => {
  const began = performance.now()
  const rates = { readsPerSecond: READS_PER_SECOND, writesPerSecond: WRITES_PER_SECOND, ordersPerSecond: 0 }
  const load = startLoad(deps, rates)
  await delay(FAILURE_AFTER_MS)
  const victim = (await stack.containers('consolidado'))[0]
  if (victim === undefined) throw new Error('invariant: a consolidado is running')
  await must('docker', ['kill', victim.Id])
  await stack.compose('stop', '-t', '5', 'redis')
  await delay(REDIS_AWAY_MS)
  await stack.compose('start', 'redis')
  await delay(Math.max(0, SECONDS * 1_000 - (performance.now() - began)))
  const done = await load.stop()
  const { sent, failed, milliseconds } = done.reads
  const loss = failed / sent
  const figures = `${failed} of ${sent} lost (${(loss * 100).toFixed(2)} %), p99 ${percentile(milliseconds, 0.99).toFixed(0)} ms`
  report.check(`50 reads/s, one consolidado killed, Redis stopped: at most 5 % lost`, loss <= LOSS_MAX, figures)
  report.check('the goal: none lost', failed === 0, lineOf(done))
  await must('docker', ['start', victim.Id])
  await stack.healthy('consolidado', 3)
}

const ALONE_WRITES = 200

/** Without a single consolidado, entries are registered; when they return, all are in the balance. */
export const checkIndependence = async ({ stack, client, books, report }: Omit<Deps, 'orders'>): Promise<void> => {
  await stack.compose('stop', 'consolidado')
  const [merchant, day] = [books.merchants[0] ?? '', books.days[0] ?? '']
  const token = books.tokenOf(merchant)
  const cents = 1_234n
  let created = 0
  const began = performance.now()
  for (let n = 0; n < ALONE_WRITES; n += 1) {
    const body = `{"valor":${amount(cents)},"tipo":"CREDITO","descricao":"Venda","data":"${day}"}`
    const { status } = await client.send('POST', '/lancamentos', { token, headers: JSON_BODY, body })
    if (status !== 201) continue
    created += 1
    books.add(merchant, day, 'CREDITO', cents)
  }
  const each = ((performance.now() - began) / ALONE_WRITES).toFixed(1)
  report.check(
    'lancamentos answers without any consolidado',
    created === ALONE_WRITES,
    `${created} of ${ALONE_WRITES} created, ${each} ms each`,
  )
  const read = await client.send('GET', `/consolidado/${day}`, { token })
  const isProblem =
    read.headers['content-type'] === 'application/problem+json' && read.headers['retry-after'] !== undefined
  report.check('a read meanwhile is 503 with Retry-After', read.status === 503 && isProblem, String(read.status))
  await stack.compose('start', 'consolidado')
  await stack.healthy('consolidado', 3)
  await checkBooks({ client, books, report })
}

/** The books of everything that was answered with 201. */
export const checkBooks = async ({ client, books, report }: Omit<Deps, 'stack' | 'orders'>): Promise<void> => {
  const differences = await books.differences(client)
  const days = books.merchants.length * books.days.length
  report.check(
    `${books.count()} entries: the balances of ${days} merchant days are exact`,
    differences.length === 0,
    differences.slice(0, 3).join('; '),
  )
}

/** Each order that was answered with 201 is paid for, once: so it was delivered, without a hand, whatever was killed. */
export const checkOrders = async (deps: Pick<Deps, 'client' | 'orders' | 'report'>): Promise<void> => {
  const { client, orders, report } = deps
  const differences = await orders.differences(client)
  const what = `${orders.count()} orders: the money of ${orders.merchants.length} merchants is exact`
  report.check(what, differences.length === 0 && orders.count() > 0, differences.slice(0, 3).join('; '))
}
