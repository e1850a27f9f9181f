import { setTimeout as delay } from 'node:timers/promises'
import type { Target } from '../../stage/attacks/attack.ts'
import { listen } from '../../stage/listen.ts'
import { createClient } from '../../stage/load.ts'
import { quantile } from '../../stage/quantile.ts'

/** What one call of the victim's came to. */
type Observation = {
  call: Call
  ms: number /** What was wrong with the answer, if anything. */
  refused: string | undefined
}

export const CALLS = ['post', 'read', 'batch', 'import', 'order', 'stream', 'page', 'webhook'] as const
type Call = (typeof CALLS)[number]

/** What a victim noticed of one kind of call. */
export type Noticed = { calls: number; refused: string[]; p50: number; p99: number; max: number }

export type Victim = {
  /** Calls all that a merchant calls, again and again for a time, and says what it noticed. */
  observe: (ms: number) => Promise<Readonly<Record<Call, Noticed>>>
  close: () => Promise<void>
}

const PAUSE_MS = 40
/** A public page answers 20 requests a second, and each look at it is two. */
const PAGE_PAUSE_MS = 150
/** A call that takes longer was not answered, as far as a person is concerned. */
const TIMEOUT_MS = 10_000
const WEBHOOK_TIMEOUT_MS = 15_000
const TODAY = '2025-10-15'

const summary = (of: readonly Observation[]): Noticed => {
  const times = of.map(({ ms }) => ms)
  const refused = of.flatMap((one) => one.refused ?? [])
  return {
    calls: of.length,
    refused,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    max: quantile(times, 1),
  }
}

/** The victim's receiver of webhooks: says when an order's first event came. */
const startReceiver = async () => {
  const arrivals = new Map<string, PromiseWithResolvers<void>>()
  // An event may be here before the answer that tells its order's id.
  const arrival = (orderId: string): PromiseWithResolvers<void> => {
    const known = arrivals.get(orderId) ?? Promise.withResolvers<void>()
    arrivals.set(orderId, known)
    return known
  }
  const { url, stop } = await listen((incoming, outgoing) => {
    let body = ''
    incoming.setEncoding('utf8')
    incoming.on('data', (chunk: string) => {
      body += chunk
    })
    incoming.on('end', () => {
      outgoing.writeHead(204).end()
      arrival(JSON.parse(body).data?.order_id).resolve()
    })
  })
  return {
    url: `${url}/`,
    arrived: (orderId: string) => arrival(orderId).promise,
    close: stop,
  }
}

/** Opens a stream and resolves with its status once its head is there; the stream is closed at once. */
const openStream = async (url: string, headers: Record<string, string>): Promise<number> => {
  const end = new AbortController()
  const answer = await fetch(url, { headers, signal: AbortSignal.any([end.signal, AbortSignal.timeout(TIMEOUT_MS)]) })
  end.abort()
  return answer.status
}

/** A merchant who does nothing unusual, on connections of its own. */
export const createVictim = async (target: Target): Promise<Victim> => {
  const client = createClient({ timeoutMs: TIMEOUT_MS })
  const receiver = await startReceiver()
  const headers = { authorization: target.authorization, 'content-type': 'application/json' }
  const csv = { ...headers, 'content-type': 'text/csv' }
  const entry = (n: string) => ({ valor: '1.00', tipo: 'CREDITO', descricao: `Venda ${n}`, data: TODAY })
  const [ledger, orders] = [target.url('lancamentos'), target.url('entregas')]
  await client.send(`${target.url('avisos')}/webhooks`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ url: receiver.url }),
  })

  const expectStatus = async (wanted: number, ...[url, request]: Parameters<typeof client.send>) => {
    const answer = await client.send(url, request)
    if (answer.status !== wanted) throw new Error(`${answer.status} ${answer.body.slice(0, 120)}`)
    return answer
  }
  const post = (url: string, body: unknown, wanted = 201) =>
    expectStatus(wanted, url, { method: 'POST', headers, body: JSON.stringify(body) })
  const newOrder = async (): Promise<string> => {
    const answer = await post(`${orders}/orders`, { customer_name: 'Bia', address: 'Rua 2' })
    return JSON.parse(answer.body).id
  }
  const streamed = async (url: string): Promise<void> => {
    const status = await openStream(url, headers)
    if (status !== 200) throw new Error(`${status}`)
  }
  let count = 0
  const known = await newOrder()
  const page = JSON.parse((await post(`${orders}/orders/${known}/tracking`, {})).body).token

  const work: Readonly<Record<Call, () => Promise<unknown>>> = {
    post: () => post(`${ledger}/lancamentos`, entry('1')),
    read: () => expectStatus(200, `${target.url('consolidado')}/consolidado/${TODAY}`, { headers }),
    batch: () => post(`${ledger}/lancamentos/lote`, [entry('2'), entry('3')], 200),
    import: () => {
      count += 1
      const body = `data,tipo,valor,descricao\n${TODAY},DEBITO,1.00,Compra ${count}\n`
      return expectStatus(200, `${ledger}/lancamentos/importacoes`, { method: 'POST', headers: csv, body })
    },
    order: newOrder,
    stream: () => streamed(`${orders}/orders/${known}/stream`),
    page: async () => {
      await expectStatus(200, `${orders}/track/${page}`)
      await streamed(`${orders}/track/${page}/stream`)
    },
    webhook: async () => {
      const arrived = receiver.arrived(await newOrder())
      const late = delay(WEBHOOK_TIMEOUT_MS, undefined, { ref: false }).then(() => {
        throw new Error(`no webhook within ${WEBHOOK_TIMEOUT_MS / 1_000} s`)
      })
      await Promise.race([arrived, late])
    },
  }
  const repeat = async (call: Call, until: number): Promise<Observation[]> => {
    const observations: Observation[] = []
    while (performance.now() < until) {
      const began = performance.now()
      const refused = await work[call]().then(
        () => undefined,
        (error: unknown) => String(error),
      )
      observations.push({ call, ms: performance.now() - began, refused })
      await delay(call === 'page' ? PAGE_PAUSE_MS : PAUSE_MS)
    }
    return observations
  }
  return {
    observe: async (ms) => {
      const until = performance.now() + ms
      const all = (await Promise.all(CALLS.map((call) => repeat(call, until)))).flat()
      const of = (call: Call) => summary(all.filter((one) => one.call === call))
      return Object.fromEntries(CALLS.map((call) => [call, of(call)])) as Record<Call, Noticed>
    },
    close: async () => {
      client.close()
      await receiver.close()
    },
  }
}
