// Sends POSTs at a constant rate, whatever the answers take (open loop), and measures when each is visible: as soon as a POST is
// answered, `GET /consolidado/{data}` with its `Fluxo-Posicao` waits in the service until the entry is in the balance.
// Nothing polls: the GET's answer is the moment. A process of its own; reads its plan from the file that is its argument.
import { readFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createEntries, type Entry } from '../entries.ts'
import { chaveOf, entryJson } from '../requests.ts'
import { type LagPlan, LagPlanSchema, type LagResult } from './lag-plan.ts'

type Answer = { status: number; position: string | undefined }

const NUMBER_DIGITS = 9
/** The longest that a reader may wait. */
const WAIT_SECONDS = 10
/** A timer is not finer. */
const TIMER_MS = 1
const LAST_ANSWERS_MS = 15_000

const agent = new Agent({ keepAlive: true, maxSockets: 512, scheduling: 'lifo' })

const send = (url: string, method: string, headers: Record<string, string>, body?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent }, (incoming: IncomingMessage) => {
      incoming.resume()
      incoming.once('error', reject)
      incoming.once('end', () => {
        const position = incoming.headers['fluxo-posicao']
        resolve({ status: incoming.statusCode ?? 0, position: typeof position === 'string' ? position : undefined })
      })
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })

const createProbe = (plan: LagPlan, result: LagResult) => {
  const post = async (entry: Entry, number: number) => {
    const mark = String(number).padStart(NUMBER_DIGITS, '0')
    const body = entryJson(entry, mark)
    return send(
      `${plan.postUrl}/lancamentos`,
      'POST',
      {
        Authorization: `Bearer ${plan.tokens[entry.comercianteId]}`,
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(body)),
        ...(entry.withChave && { 'Idempotency-Key': chaveOf(mark) }),
      },
      body,
    )
  }
  const visible = ({ comercianteId, data }: Entry, position: string) =>
    send(`${plan.getUrl}/consolidado/${data}`, 'GET', {
      Authorization: `Bearer ${plan.tokens[comercianteId]}`,
      'Fluxo-Posicao': position,
      Prefer: `wait=${WAIT_SECONDS}`,
    })

  return async (entry: Entry, number: number, { measured, probed }: { measured: boolean; probed: boolean }) => {
    const sentAt = performance.now()
    const posted = await post(entry, number)
    const answeredAt = performance.now()
    if (posted.status !== 201 || posted.position === undefined) {
      result.failures += 1
      return
    }
    result.created += 1
    if (measured) result.postMs.push(answeredAt - sentAt)
    if (!probed) return
    const seen = await visible(entry, posted.position)
    const seenAt = performance.now()
    if (seen.status !== 200) result.failures += 1
    else if (measured) {
      result.lagMs.push(seenAt - sentAt)
      result.afterAnswerMs.push(seenAt - answeredAt)
    }
  }
}

const generate = async (plan: LagPlan): Promise<LagResult> => {
  const result: LagResult = { sent: 0, created: 0, failures: 0, lateMsMax: 0, lagMs: [], afterAnswerMs: [], postMs: [] }
  const probe = createProbe(plan, result)
  const entries = createEntries({ seed: plan.first, plain: plan.plain })
  const warm = Math.round(plan.rate * plan.warmUpSeconds)
  const total = warm + Math.round(plan.rate * plan.seconds)
  const open = new Set<Promise<void>>()
  const began = performance.now()
  while (result.sent < total) {
    const now = performance.now() - began
    const due = Math.min(total, Math.floor((now / 1000) * plan.rate) + 1)
    if (result.sent >= warm) result.lateMsMax = Math.max(result.lateMsMax, now - (result.sent * 1000) / plan.rate)
    while (result.sent < due) {
      const measured = result.sent >= warm
      const probed = result.sent % plan.probeEvery === 0
      const one: Promise<void> = probe(entries(), plan.first + result.sent, { measured, probed })
        .catch(() => {
          result.failures += 1
        })
        .finally(() => open.delete(one))
      open.add(one)
      result.sent += 1
    }
    const next = (result.sent * 1000) / plan.rate - (performance.now() - began)
    await delay(Math.max(TIMER_MS, next))
  }
  await Promise.race([Promise.all(open), delay(LAST_ANSWERS_MS)])
  return result
}

const plan = LagPlanSchema.parse(JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')))
process.stdout.write(JSON.stringify(await generate(plan)), () => process.exit(0))
