import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { amount, type Books, type Tipo } from './books.ts'
import { type Answer, type Client, JSON_BODY } from './client.ts'

type Kind = 'reads' | 'writes'
type Count = { sent: number; failed: number; milliseconds: number[] }

/** What was sent while a step was the current one, and how it ended. */
export type Step = { reads: Count; writes: Count; failures: Map<string, number>; open: number }

export type Load = {
  /** From now on requests belong to a new step; resolves once every request of the one before has ended. */
  next: () => Promise<Step>
  /** Sends nothing more and waits for the rest; gives the last step. */
  stop: () => Promise<Step>
}

export type Rates = { readsPerSecond: number; writesPerSecond: number }

const TICK_MS = 10
const CENTS_MAX = 100_000
/** A write is repeated with its key until it is answered: only then is it known what the books must show. */
const WRITE_ATTEMPTS_MAX = 20
const WRITE_PAUSE_MS = 500
const SETTLE_POLL_MS = 20

const newStep = (): Step => ({
  reads: { sent: 0, failed: 0, milliseconds: [] },
  writes: { sent: 0, failed: 0, milliseconds: [] },
  failures: new Map(),
  open: 0,
})

/** The value below which the given share of the milliseconds lies. */
export const percentile = (milliseconds: readonly number[], share: number): number => {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** One line: how many, how many failed and why, how long. */
export const lineOf = ({ reads, writes, failures }: Step): string => {
  const part = (name: string, { sent, failed, milliseconds }: Count) =>
    `${sent} ${name}, ${failed} failed, p50 ${percentile(milliseconds, 0.5).toFixed(0)} ms, p99 ${percentile(milliseconds, 0.99).toFixed(0)} ms`
  const reasons = [...failures].map(([reason, count]) => `${count} × ${reason}`).join(', ')
  return `${part('reads', reads)}; ${part('writes', writes)}${reasons === '' ? '' : ` (${reasons})`}`
}

/** Which refusal it was; whatever is no problem document shows its beginning. */
const codigoOf = (text: string): string => /"codigo":"([a-z-]+)"/.exec(text)?.[1] ?? text.slice(0, 60)

/**
 * Reads and writes at constant rates, whether or not earlier ones have been answered (an open loop).
 *
 * Every first attempt counts: one that is not answered as it should is a failure, whatever a repetition says.
 */
export const startLoad = (client: Client, books: Books, { readsPerSecond, writesPerSecond }: Rates): Load => {
  let step = newStep()
  let running = true
  const pick = <T>(list: readonly T[]): T => list[randomInt(list.length)] as T

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

  const write = async (mine: Step): Promise<void> => {
    const [merchant, day] = [pick(books.merchants), pick(books.days)]
    const tipo: Tipo = randomInt(3) === 0 ? 'DEBITO' : 'CREDITO'
    const cents = BigInt(randomInt(1, CENTS_MAX))
    const body = `{"valor":${amount(cents)},"tipo":"${tipo}","descricao":"Venda","data":"${day}"}`
    const headers = { ...JSON_BODY, 'idempotency-key': randomUUID() }
    const send = () => client.send('POST', '/lancamentos', { token: books.tokenOf(merchant), headers, body })
    let created = await attempt(mine, 'writes', send, 201)
    for (let tries = 1; !created && tries < WRITE_ATTEMPTS_MAX; tries += 1) {
      await delay(WRITE_PAUSE_MS)
      created = await send().then(
        ({ status }) => status === 201,
        () => false,
      )
    }
    if (created) books.add(merchant, day, tipo, cents)
    else mine.failures.set('writes given up', (mine.failures.get('writes given up') ?? 0) + 1)
  }

  const launch = (kind: Kind, act: (mine: Step) => Promise<void>): void => {
    const mine = step
    mine[kind].sent += 1
    mine.open += 1
    void act(mine).finally(() => {
      mine.open -= 1
    })
  }

  const ended = loop(
    () => running,
    { readsPerSecond, writesPerSecond },
    {
      read: () => launch('reads', read),
      write: () => launch('writes', write),
    },
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
  rates: Rates,
  act: { read: () => void; write: () => void },
): Promise<void> => {
  const began = performance.now()
  let [reads, writes] = [0, 0]
  while (running()) {
    const elapsedSeconds = (performance.now() - began) / 1_000
    for (; reads < elapsedSeconds * rates.readsPerSecond; reads += 1) act.read()
    for (; writes < elapsedSeconds * rates.writesPerSecond; writes += 1) act.write()
    await delay(TICK_MS)
  }
}
