import { afterEach, expect, it } from 'vitest'
import { createSseClient, type SseClient } from '../stage/sse-client.ts'
import { type System, startSystem } from '../stage/system.ts'
import { waitFor } from '../stage/wait-for.ts'

let entregas: System | undefined
let listeners: SseClient[] = []
afterEach(async () => {
  await Promise.all(listeners.map((one) => one.close()))
  listeners = []
  await entregas?.stop()
  entregas = undefined
})

const WAIT_MS = 60_000
const post = (body: object, headers: object): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

it('the original’s three calls: an order is created, delivered without a hand, and its whole history is read', async () => {
  entregas = await startSystem({ entregas: 1, env: { ENTREGAS_ATRASO_MS: '50' } })
  const url = entregas.url('entregas')
  const headers = await entregas.as('loja')
  const pedido = { customer_name: 'Ana Souza', address: 'Rua das Flores, 10, São Paulo' }

  const created = await fetch(`${url}/orders`, post(pedido, headers))
  const order = (await created.json()) as { id: string; created_at: string }
  expect([created.status, created.headers.get('location')]).toEqual([201, `/orders/${order.id}`])
  expect(order).toEqual({ id: expect.any(String), ...pedido, status: 'RECEIVED', created_at: expect.any(String) })

  const read = async (path: string) => (await fetch(`${url}/orders/${order.id}${path}`, { headers })).json()
  await waitFor(async () => ((await read('')) as { status: string }).status === 'DELIVERED', { timeoutMs: WAIT_MS })
  expect(await read('')).toEqual({
    ...order,
    status: 'DELIVERED',
    version: 3,
    updated_at: expect.any(String),
  })

  const eventos = (await read('/events')) as { timestamp: string }[]
  expect(eventos).toMatchObject(
    ['RECEIVED', 'IN_TRANSIT', 'DELIVERED'].map((status, i) => ({
      id: expect.any(String),
      order_id: order.id,
      status,
      timestamp: expect.any(String),
      seq: i + 1,
    })),
  )
  const instants = eventos.map(({ timestamp }) => Date.parse(timestamp))
  expect(instants).toEqual(instants.toSorted((a, b) => a - b))
  expect(eventos[0]?.timestamp).toBe(order.created_at)
})

/** Events of the order, half of them before the instance of the listeners is killed. */
const EVENTS = 60

it('live streams across an instance that is killed: with Last-Event-ID no event is missed and none told twice', async () => {
  entregas = await startSystem({ entregas: 2, env: { ENTREGAS_FLUXO: 'manual' } })
  const [first, second] = entregas.instances.entregas
  if (first === undefined || second === undefined) throw new Error('two instances were started')
  const headers = await entregas.as('loja')
  const created = await fetch(`${second.url}/orders`, post({ customer_name: 'Ana', address: 'Rua A' }, headers))
  const { id } = (await created.json()) as { id: string }
  const opened = await fetch(`${second.url}/orders/${id}/tracking`, { method: 'POST', headers })
  const { url: page } = (await opened.json()) as { url: string }

  let current = first.url
  listeners = [
    createSseClient(() => `${current}/orders/${id}/stream`, headers),
    createSseClient(() => `${current}/orders/${id}/stream`, headers),
    createSseClient(() => `${current}${page}/stream`),
  ]
  const untilHeard = (seq: number) =>
    waitFor(() => listeners.every(({ heard }) => heard.length >= seq), {
      timeoutMs: WAIT_MS,
      what: `event ${seq}`,
    })
  await untilHeard(1)
  for (let seq = 2; seq <= EVENTS; seq += 1) {
    if (seq === EVENTS / 2) {
      // What the listeners have got by now differs; nobody waits for them.
      await first.end('SIGKILL')
      current = second.url
    }
    const occurred_at = new Date(Date.UTC(2025, 0, 1, 0, 0, seq)).toISOString()
    const note = post({ type: 'BLQ', status: 1, occurred_at }, headers)
    expect((await fetch(`${second.url}/orders/${id}/carrier-events`, note)).status).toBe(200)
  }
  await untilHeard(EVENTS)
  const all = Array.from({ length: EVENTS }, (_, i) => String(i + 1))
  for (const one of listeners) {
    expect(one.heard.map((heard) => heard.id)).toEqual(all)
    expect(one.openings()).toBeGreaterThan(1)
  }
  const eventos = await (await fetch(`${second.url}/orders/${id}/events`, { headers })).json()
  expect(listeners[0]?.heard.map(({ data }) => data)).toEqual(eventos)
})
