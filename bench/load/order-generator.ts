// Sends orders at a constant rate, whatever the answers take (open loop), and listens to each one's stream until it says DELIVERED.
// A process of its own; reads its plan from the file that is its argument.
import { readFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createOrders, type Order, orderJson } from '../orders.ts'
import { type OrderPlan, OrderPlanSchema, type OrderResult } from './order-plan.ts'

const NUMBER_DIGITS = 9
/** A timer is not finer. */
const TIMER_MS = 1
const CREATED = 201
const OK = 200
const LAST_ANSWERS_MS = 15_000
const DELIVERED = '"status":"DELIVERED"'

const agent = new Agent({ keepAlive: true, maxSockets: 512, scheduling: 'lifo' })

const open = (url: string, method: string, headers: Record<string, string>, body?: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent }, resolve)
    outgoing.once('error', reject)
    outgoing.end(body)
  })

/** Sends one order and answers its place. */
const post = async (plan: OrderPlan, order: Order, number: number, Authorization: string): Promise<string> => {
  const body = orderJson(order, String(number).padStart(NUMBER_DIGITS, '0'))
  const length = String(Buffer.byteLength(body))
  const headers = { Authorization, 'Content-Type': 'application/json', 'Content-Length': length }
  const answer = await open(`${plan.url}/orders`, 'POST', headers, body)
  for await (const _ of answer);
  const { location } = answer.headers
  if (answer.statusCode !== CREATED || location === undefined) throw new Error(`an order got ${answer.statusCode}`)
  return location
}

/** Resolves as soon as the order's stream tells of its delivery. */
const delivered = async (plan: OrderPlan, place: string, Authorization: string): Promise<void> => {
  const stream = await open(`${plan.url}${place}/stream`, 'GET', { Authorization })
  if (stream.statusCode !== OK) throw new Error(`a stream got ${stream.statusCode}`)
  let text = ''
  for await (const part of stream.setEncoding('utf8') as AsyncIterable<string>) {
    text += part
    if (text.includes(DELIVERED)) return
  }
  throw new Error('a stream ended before its order was delivered')
}

const generate = async (plan: OrderPlan): Promise<OrderResult> => {
  const result: OrderResult = { delivered: 0, failures: 0, lateMsMax: 0, deliveredMs: [], postMs: [] }
  const next = createOrders({ seed: plan.first, plain: plan.plain })
  const follow = async (number: number, measured: boolean): Promise<void> => {
    const Authorization = `Bearer ${plan.tokens[number % plan.tokens.length]}`
    const sentAt = performance.now()
    const place = await post(plan, next(), number, Authorization)
    const answeredAt = performance.now()
    await delivered(plan, place, Authorization)
    result.delivered += 1
    if (!measured) return
    result.deliveredMs.push(performance.now() - sentAt)
    result.postMs.push(answeredAt - sentAt)
  }
  const warm = Math.round(plan.rate * plan.warmUpSeconds)
  const total = warm + Math.round(plan.rate * plan.seconds)
  const followed = new Set<Promise<void>>()
  const began = performance.now()
  for (let sent = 0; sent < total; sent += 1) {
    const early = (sent * 1000) / plan.rate - (performance.now() - began)
    if (early > 0) await delay(Math.max(TIMER_MS, early))
    if (sent >= warm) result.lateMsMax = Math.max(result.lateMsMax, -early)
    const one: Promise<void> = follow(plan.first + sent, sent >= warm)
      .catch(() => {
        result.failures += 1
      })
      .finally(() => followed.delete(one))
    followed.add(one)
  }
  await Promise.race([Promise.all(followed), delay(LAST_ANSWERS_MS)])
  result.failures += followed.size
  return result
}

const plan = OrderPlanSchema.parse(JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')))
process.stdout.write(JSON.stringify(await generate(plan)), () => process.exit(0))
