import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { amount, type Books, type Tipo } from './books.ts'
import { type Answer, type Client, JSON_BODY } from './client.ts'
import type { Orders } from './orders.ts'

type Kind = 'reads' | 'writes' | 'orders'
type Count = { sent: number; failed: number; milliseconds: number[] }

/** What was sent while a step was the current one, and how it ended. */
export type Step = Record<Kind, Count> & { failures: Map<string, number>; open: number }

export type Load = {
  /** From now on requests belong to a new step; resolves once every request of the one before has ended. */
  next: () => Promise<Step>
  /** Sends nothing more and waits for the rest; gives the last step. */
  stop: () => Promise<Step>
}

export type Rates = { readsPerSecond: number; writesPerSecond: number; ordersPerSecond: number }

const TICK_MS = 10
const CENTS_MAX = 100_000
/** A write is repeated with its key until it is answered: only then is it known what the books must show. */
const WRITE_ATTEMPTS_MAX = 20
const WRITE_PAUSE_MS = 500
const SETTLE_POLL_MS = 20

const CreatedSchema = z.object({ id: z.uuid() })

const newStep = (): Step => ({
  reads: { sent: 0, failed: 0, milliseconds: [] },
  writes: { sent: 0, failed: 0, milliseconds: [] },
  orders: { sent: 0, failed: 0, milliseconds: [] },
  failures: new Map(),
  open: 0,
})

/** The value below which the given share of the milliseconds lies. */
export const percentile = (milliseconds: readonly number[], share: number): number => {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** One line: how many, how many failed and why, how long. */
export const lineOf = ({ reads, writes, orders, failures }: Step): string => {
  const part = (name: string, { sent, failed, milliseconds }: Count) =>
    `${sent} ${name}, ${failed} failed, p50 ${percentile(milliseconds, 0.5).toFixed(0)} ms, p99 ${percentile(milliseconds, 0.99).toFixed(0)} ms`
  const reasons = [...failures].map(([reason, count]) => `${count} × ${reason}`).join(', ')
  const parts = [part('reads', reads), part('writes', writes), ...(orders.sent > 0 ? [part('orders', orders)] : [])]
  return `${parts.join('; ')}${reasons === '' ? '' : ` (${reasons})`}`
}

/** How many requests of a step were not answered as they should be. */
export const failedOf = ({ reads, writes, orders }: Step): number => reads.failed + writes.failed + orders.failed

/** Which refusal it was; whatever is no problem document shows its beginning. */
const codigoOf = (text: string): string => /"codigo":"([a-z-]+)"/.exec(text)?.[1] ?? text.slice(0, 60)

type LoadDeps = { client: Client; books: Books; orders: Orders }

const pick = <T>(list: readonly T[]): T => list[randomInt(list.length)] as T

/** What is sent: one read, one entry, one order; each counts in the step that it belongs to. */
const requestsOf = ({ client, books, orders }: LoadDeps): Record<Kind, (mine: Step) => Promise<void>> => {
  const attempt = async (mine: Step, kind: Kind, send: () => Promise<Answer>, expected: number) => {
    const began = performance.now()
    const outcome = await send().then(
      ({ status, text }) => (status === expected ? undefined : `${status} ${codigoOf(text)}`),
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    )
    mine[kind].milliseconds.push(performance.now() - began)
    if (outcome === undefined) return true
    mine[kind].failed += 1
    mine.failures.set(`${kind} ${outcome}`, (mine.failures.get(`${kind} ${outcome}`) ?? 0) + 1)
    return false
  }

  const read = async (mine: Step): Promise<void> => {
    const token = books.tokenOf(pick(books.merchants))
    const path = `/consolidado/${pick(books.days)}`
    await attempt(mine, 'reads', () => client.send('GET', path, { token }), 200)
  }

  /** Posts with a key until it is created: only then is it known what the books must show. */
  const create = async (mine: Step, kind: Kind, send: () => Promise<Answer>): Promise<Answer | undefined> => {
    let answer: Answer | undefined
    const sendAndKeep = async () => {
      const given = await send()
      if (given.status === 201) answer = given
      return given
    }
    let created = await attempt(mine, kind, sendAndKeep, 201)
    for (let tries = 1; !created && tries < WRITE_ATTEMPTS_MAX; tries += 1) {
      await delay(WRITE_PAUSE_MS)
      created = await sendAndKeep().then(
        ({ status }) => status === 201,
        () => false,
      )
    }
    if (!created) mine.failures.set(`${kind} given up`, (mine.failures.get(`${kind} given up`) ?? 0) + 1)
    return answer
  }

  const write = async (mine: Step): Promise<void> => {
    const [merchant, day] = [pick(books.merchants), pick(books.days)]
    const tipo: Tipo = randomInt(3) === 0 ? 'DEBITO' : 'CREDITO'
    const cents = BigInt(randomInt(1, CENTS_MAX))
    const body = `{"valor":${amount(cents)},"tipo":"${tipo}","descricao":"Venda","data":"${day}"}`
    const headers = { ...JSON_BODY, 'idempotency-key': randomUUID() }
    const send = () => client.send('POST', '/lancamentos', { token: books.tokenOf(merchant), headers, body })
    if (await create(mine, 'writes', send)) books.add(merchant, day, tipo, cents)
  }

  const order = async (mine: Step): Promise<void> => {
    const merchant = pick(orders.merchants)
    const cents = BigInt(randomInt(1, CENTS_MAX))
    const body = `{"customer_name":"Ana","address":"Rua A, 1","valor":${amount(cents)}}`
    const headers = { ...JSON_BODY, 'idempotency-key': randomUUID() }
    const send = () => client.send('POST', '/orders', { token: orders.tokenOf(merchant), headers, body })
    const created = await create(mine, 'orders', send)
    if (created) orders.add(merchant, CreatedSchema.parse(JSON.parse(created.text)).id, cents)
  }
  return { reads: read, writes: write, orders: order }
}

/**
 * Reads, writes and orders at constant rates, whether or not earlier ones have been answered (an open loop).
 *
 * Every first attempt counts: one that is not answered as it should is a failure, whatever a repetition says.
 */
export const startLoad = (deps: LoadDeps, rates: Rates): Load => {
  const requests = requestsOf(deps)
  let step = newStep()
  let running = true

  const launch = (kind: Kind): void => {
    const mine = step
    mine[kind].sent += 1
    mine.open += 1
    void requests[kind](mine).finally(() => {
      mine.open -= 1
    })
  }

  const ended = loop(
    () => running,
    [
      { perSecond: rates.readsPerSecond, act: () => launch('reads') },
      { perSecond: rates.writesPerSecond, act: () => launch('writes') },
      { perSecond: rates.ordersPerSecond, act: () => launch('orders') },
    ],
  )
  const settle = async (finished: Step): Promise<Step> => {
    while (finished.open > 0) await delay(SETTLE_POLL_MS)
    return finished
  }
  return {
    next: () => {
      const finished = step
      step = newStep()
      return settle(finished)
    },
    stop: async () => {
      running = false
      await ended
      return settle(step)
    },
  }
}

const loop = async (
  running: () => boolean,
  kinds: readonly { perSecond: number; act: () => void }[],
): Promise<void> => {
  const began = performance.now()
  const sent = kinds.map(() => 0)
  while (running()) {
    const elapsedSeconds = (performance.now() - began) / 1_000
    for (const [i, { perSecond, act }] of kinds.entries()) {
      for (; (sent[i] ?? 0) < elapsedSeconds * perSecond; sent[i] = (sent[i] ?? 0) + 1) act()
    }
    await delay(TICK_MS)
  }
}
