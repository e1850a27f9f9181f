// Opens many streams of Server-Sent Events, moves the orders to which they belong, and measures when each stream tells of it.
// A process of its own, so that the instance's memory is the instance's; reads its plan from the file that is its argument.
import { readFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../scripts/local/wait-until.ts'
import { type ListenerPlan, ListenerPlanSchema, type ListenerResult } from './listener-plan.ts'

const OPENED_AT_ONCE = 50
const OK = 200
const HEARD_TIMEOUT_MS = 10_000
const LOOK_MS = 5
/** Between two events: nothing of the one before is under way. */
const PAUSE_MS = 200

const streams = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })
const moves = new Agent({ keepAlive: true, maxSockets: 64 })

const plan: ListenerPlan = ListenerPlanSchema.parse(JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')))
const Authorization = `Bearer ${plan.token}`
const result: ListenerResult = { heardMs: [], failures: 0 }
/** When the event of each order was asked for, by order and `seq`. */
const sentAt = new Map<string, number>()
/** The last `seq` of each stream. */
const heard = new Array<number>(plan.streams).fill(0)

const open = (path: string, agent: Agent, body?: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const json = body !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
    const method = body === undefined ? 'GET' : 'POST'
    const outgoing = request(`${plan.url}${path}`, { method, agent, headers: { Authorization, ...json } }, resolve)
    outgoing.once('error', reject)
    outgoing.end(body)
  })

const hear = (stream: number, order: string, seq: number): void => {
  const now = performance.now()
  if (seq !== (heard[stream] ?? 0) + 1) result.failures += 1
  heard[stream] = seq
  const sent = sentAt.get(`${order} ${seq}`)
  // The first event is there before any stream is opened.
  if (sent !== undefined && seq > plan.warmUp + 1) result.heardMs.push(now - sent)
}

const listen = async (stream: number): Promise<void> => {
  const order = plan.orders[stream % plan.orders.length] ?? ''
  const answer = await open(`/orders/${order}/stream`, streams)
  if (answer.statusCode !== OK) throw new Error(`a stream got ${answer.statusCode}`)
  let rest = ''
  answer.setEncoding('utf8').on('data', (text: string) => {
    const blocks = (rest + text).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const id = /^id: (\d+)$/m.exec(block)?.[1]
      if (id !== undefined) hear(stream, order, Number(id))
    }
  })
}

const move = async (order: string, status: string, seq: number): Promise<void> => {
  const reason = status === 'DELIVERY_FAILED' ? ',"reason":"absent"' : ''
  sentAt.set(`${order} ${seq}`, performance.now())
  const answer = await open(`/orders/${order}/transitions`, moves, `{"status":"${status}"${reason}}`)
  answer.resume()
  if (answer.statusCode !== OK) result.failures += 1
}

/** Waits until every stream has told of event `seq`. */
const allHeard = async (seq: number): Promise<void> => {
  const everMore = async () => heard.every((last) => last >= seq)
  if (await waitUntil(everMore, { timeoutMs: HEARD_TIMEOUT_MS, everyMs: LOOK_MS })) return
  result.failures += heard.filter((last) => last < seq).length
}

for (let first = 0; first < plan.streams; first += OPENED_AT_ONCE) {
  const some = Array.from({ length: Math.min(OPENED_AT_ONCE, plan.streams - first) }, (_, i) => listen(first + i))
  await Promise.all(some)
}
await allHeard(1)
for (const [step, status] of plan.transitions.entries()) {
  const seq = step + 2
  await delay(PAUSE_MS)
  const began = performance.now()
  const moved = plan.orders.map(async (order, n) => {
    const early = (n * 1000) / plan.rate - (performance.now() - began)
    if (early > 0) await delay(early)
    await move(order, status, seq)
  })
  await Promise.all(moved)
  await allHeard(seq)
}
process.stdout.write(JSON.stringify(result), () => process.exit(0))
