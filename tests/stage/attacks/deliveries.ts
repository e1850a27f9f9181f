import { setTimeout as delay } from 'node:timers/promises'
import { type Listening, listen } from '../listen.ts'
import { type Attack, again, many, overConnections, type Target } from './attack.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

/** How often an attacker tries where nobody answers, and how long it waits in between: longer than chaos keeps an instance away. */
const TRIES_MAX = 40
const RETRY_MS = 250

/** Asks as the attacker, and asks the next instance where one is away; gives the answer as JSON, or undefined. */
const ask = async (target: Target, method: string, path: string, body?: string, type = JSON_TYPE) => {
  const headers = { authorization: target.authorization, ...(body !== undefined && type) }
  for (let tries = 1; ; tries += 1) {
    const url = target.url(path.startsWith('/webhooks') ? 'avisos' : 'entregas')
    try {
      const answer = await fetch(url + path, { method, headers, body: body ?? null })
      const text = await answer.text()
      return answer.ok ? JSON.parse(text || '{}') : undefined
    } catch (error) {
      if (tries === TRIES_MAX) throw error
      await delay(RETRY_MS)
    }
  }
}

const ORDER = JSON.stringify({ customer_name: 'Ana', address: 'Rua 1' })
/** As many as a merchant may have. */
const WEBHOOKS = 10

/** A receiver of the attacker's on this machine, whose answer comes after a time. */
const startReceiver = (status: number, afterMs: number): Promise<Listening> =>
  listen((incoming, outgoing) => {
    incoming.resume()
    setTimeout(() => outgoing.writeHead(status).end(), afterMs).unref()
  })

const STREAMS = 800

const hoardedStreams: Attack = {
  name: 'hoarded-streams',
  what: `${STREAMS} live streams of one order, opened again as they are refused`,
  begin: overConnections(async (connections, target) => {
    const { id } = await ask(target, 'POST', '/orders', ORDER)
    const one = async (): Promise<void> => {
      const { outgoing, answer, closed } = connections.begin(`${target.url('entregas')}/orders/${id}/stream`, {})
      outgoing.end()
      ;(await answer)?.resume()
      await closed
    }
    return [await many(STREAMS, () => again(1_000, one))]
  }),
}

/** Webhooks of the attacker's to one receiver, and a flood of events for them. */
const floodedWebhooks = (name: string, what: string, status: number, afterMs: number): Attack => ({
  name,
  what,
  begin: async (target) => {
    const receiver = await startReceiver(status, afterMs)
    const ids: string[] = []
    for (let i = 0; i < WEBHOOKS; i += 1) {
      const made = await ask(target, 'POST', '/webhooks', JSON.stringify({ url: `${receiver.url}/${i}` }))
      if (made !== undefined) ids.push(made.id)
    }
    const lines = Array.from({ length: 400 }, (_, i) => `Ana ${i},Rua ${i}`)
    const file = `customer_name,address\n${lines.join('\n')}\n`
    await ask(target, 'POST', '/orders/importacoes', file, { 'content-type': 'text/csv' })
    let next = 0
    const end = again(50, () => {
      next += 1
      return ask(target, 'POST', `/webhooks/${ids[next % ids.length]}/test`)
    })
    return async () => {
      await end()
      for (const id of ids) await ask(target, 'DELETE', `/webhooks/${id}`)
      await receiver.stop()
    }
  },
})

/** What is sent to deliveries. Each needs webhooks that may go to this machine (`AVISOS_LOOPBACK`). */
export const DELIVERY_ATTACKS: readonly Attack[] = [
  hoardedStreams,
  floodedWebhooks(
    'slow-webhooks',
    '10 webhooks that answer after 12 s, 400 orders at once and 20 tests a second',
    200,
    12_000,
  ),
  floodedWebhooks('failing-webhooks', '10 webhooks that answer 500, 400 orders at once and 20 tests a second', 500, 0),
]
