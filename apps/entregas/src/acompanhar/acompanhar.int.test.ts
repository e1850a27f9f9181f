import { type Ask, json } from '@fluxo/tests/stage/doors'
import { mover, receber } from '@fluxo/tests/stage/orders'
import { createSseClient, type SseClient } from '@fluxo/tests/stage/sse-client'
import { merchantBearer } from '@fluxo/tests/stage/tokens'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Cluster, createCluster, type Instance } from '../../test/cluster.ts'

let cluster: Cluster
let node: Instance
let ask: Ask
let authorization: string
let listeners: SseClient[]
beforeEach(async () => {
  cluster = await createCluster()
  node = await cluster.open('a')
  ask = await node.askAs('loja')
  listeners = []
  authorization = await merchantBearer('loja', { scopes: ['entregas:ler'] })
})
afterEach(async () => {
  await Promise.all(listeners.map((one) => one.close()))
  await cluster.close()
})

const follow = (addresses: () => string, headers: Record<string, string> = {}): SseClient => {
  const one = createSseClient(addresses, { authorization, ...headers })
  listeners.push(one)
  return one
}
const seqs = ({ heard }: SseClient) => heard.map(({ id }) => Number(id))
const until = (one: SseClient, seq: number) =>
  waitFor(() => seqs(one).at(-1) === seq, { timeoutMs: 20_000, what: `event ${seq}, have ${seqs(one).join()}` })
/** An order that can change as often as a test wants: notes of the carrier change no status. */
const note = async (by: Ask, pedido: string, n: number): Promise<void> => {
  const body = json({ type: 'BLQ', status: 1, occurred_at: new Date(Date.UTC(2025, 0, 1, 0, 0, n)).toISOString() })
  const answer = await by(`/orders/${pedido}/carrier-events`, body)
  expect(answer.status).toBe(200)
}
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

test('a stream tells the history and then what happens, in the words of GET /orders/{id}/events', async () => {
  const pedido = await receber(ask)
  await mover(ask, pedido, 'SEPARATED')
  const one = follow(() => `${node.url}/orders/${pedido}/stream`)
  await until(one, 2)
  await mover(ask, pedido, 'IN_TRANSIT', { note: 'saiu\u2028"já"', location: 'São Paulo' })
  await until(one, 3)
  expect(one.lines[0]).toBe('retry: 3000')
  expect(one.heard.every(({ event }) => event === 'order.status')).toBe(true)
  expect(one.heard.map(({ data }) => data)).toEqual(await (await ask(`/orders/${pedido}/events`)).json())
  const answer = await ask(`/orders/${pedido}/stream`)
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  await answer.body?.cancel()
  await waitFor(async () => (await node.registry.metrics()).includes('fluxo_acompanhar_ouvintes 1'))
})

test('a stream goes on after Last-Event-ID, which must be a number', async () => {
  const pedido = await receber(ask)
  for (const n of upTo(4)) await note(ask, pedido, n)
  const one = follow(() => `${node.url}/orders/${pedido}/stream`, { 'last-event-id': '3' })
  await until(one, 5)
  expect(seqs(one)).toEqual([4, 5])
  const ahead = follow(() => `${node.url}/orders/${pedido}/stream`, { 'last-event-id': '999' })
  await waitFor(() => ahead.openings() === 1)
  await note(ask, pedido, 5)
  await until(ahead, 6)
  expect(seqs(ahead)).toEqual([6])
  const forged = await ask(`/orders/${pedido}/stream`, { headers: { 'last-event-id': '1 or 1=1' } })
  expect(forged.status).toBe(400)
})

test('what happens at one instance is heard at another at once, not by looking into the database now and then', async () => {
  const other = await cluster.open('b')
  const pedido = await receber(ask)
  const one = follow(() => `${other.url}/orders/${pedido}/stream`)
  await until(one, 1)
  // Which of the two ways brought it shows in time only: over many events, the look every 2 s would take far longer.
  const startedAt = performance.now()
  for (const n of upTo(20)) {
    await note(ask, pedido, n)
    await until(one, n + 1)
  }
  expect(performance.now() - startedAt).toBeLessThan(20_000)
  expect(seqs(one)).toEqual(upTo(21))
})

test('two clients across an instance that is cut off miss nothing and hear nothing twice', async () => {
  const other = await cluster.open('b')
  const pedido = await receber(ask)
  let alive = node
  const both = [
    follow(() => `${alive.url}/orders/${pedido}/stream`),
    follow(() => `${alive.url}/orders/${pedido}/stream`),
  ]
  const atB = await other.askAs('loja')
  for (const n of upTo(60)) {
    if (n === 20) {
      alive = other
      void node.cut()
    }
    await note(atB, pedido, n)
  }
  for (const one of both) {
    await until(one, 61)
    expect(seqs(one)).toEqual(upTo(61))
    expect(one.openings()).toBeGreaterThan(1)
  }
})

test('Redis loses its streams, and no listener misses anything', async () => {
  const pedido = await receber(ask)
  const one = follow(() => `${node.url}/orders/${pedido}/stream`)
  await until(one, 1)
  for (const n of upTo(30)) {
    if (n % 10 === 0) await node.redis.commands.unlink(`${cluster.streamPrefix}:{0}`)
    await note(ask, pedido, n)
  }
  await until(one, 31)
  expect(seqs(one)).toEqual(upTo(31))
})

test('an entry of the stream that is no event of the log is told to nobody', async () => {
  const pedido = await receber(ask)
  const one = follow(() => `${node.url}/orders/${pedido}/stream`)
  await until(one, 1)
  const key = `${cluster.streamPrefix}:{0}`
  await waitFor(async () => (await node.redis.commands.xlen(key)) === 1)
  await node.redis.commands.xadd(key, '2-0', 'e', `{"data":{"order_id":"${pedido}","seq":2,"status":"DELIVERED"}}`)
  await node.redis.commands.xadd(key, '3-0', 'e', `not json "order_id":"${pedido}"`)
  for (const n of upTo(5)) await note(ask, pedido, n)
  await until(one, 6)
  expect(seqs(one)).toEqual(upTo(6))
  expect(one.heard.map(({ data }) => data['status'])).not.toContain('DELIVERED')
})

test('an instance that leaves ends its streams, and opens no more', async () => {
  const pedido = await receber(ask)
  const answer = await ask(`/orders/${pedido}/stream`)
  node.module.leave?.()
  expect(await answer.text()).toMatch(/^retry: 3000\n\n/)
  expect(await (await ask(`/orders/${pedido}/stream`)).text()).toBe('retry: 3000\n\n')
})

test('only the merchant of an order listens to it', async () => {
  const pedido = await receber(ask)
  const other = await node.askAs('outra')
  expect((await other(`/orders/${pedido}/stream`)).status).toBe(404)
  expect((await ask('/orders/nada/stream')).status).toBe(404)
  expect((await fetch(`${node.url}/orders/${pedido}/stream`)).status).toBe(401)
  const withoutScope = await node.askAs('loja', ['entregas:escrever'])
  expect((await withoutScope(`/orders/${pedido}/stream`)).status).toBe(403)
})
