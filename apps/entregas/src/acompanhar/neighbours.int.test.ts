import type { Ask } from '@fluxo/tests/stage/doors'
import { mover, receber } from '@fluxo/tests/stage/orders'
import { createSseClient } from '@fluxo/tests/stage/sse-client'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Cluster, createCluster, type Instance } from '../../test/cluster.ts'

let cluster: Cluster
let node: Instance
let victim: Ask
let attacker: Ask
/** A body that nobody refers to is cancelled by fetch. */
let responses: Response[]
beforeEach(async () => {
  cluster = await createCluster()
  node = await cluster.open('a')
  victim = await node.askAs('vitima')
  attacker = await node.askAs('atacante')
  responses = []
})
afterEach(() => cluster.close())

const listeners = async (): Promise<number> =>
  Number(/fluxo_acompanhar_ouvintes (\d+)/.exec(await node.registry.metrics())?.[1])
const page = async (by: Ask, pedido: string): Promise<string> => {
  const { url } = (await (await by(`/orders/${pedido}/tracking`, { method: 'POST' })).json()) as { url: string }
  return node.url + url
}
/** Opens streams and reads nothing of them; tells how many were opened, and how many were refused as documented. */
const open = async (by: Ask, pedidos: readonly string[], signal: AbortSignal) => {
  const answers = await Promise.all(pedidos.map((pedido) => by(`/orders/${pedido}/stream`, { signal })))
  responses.push(...answers)
  const refused = answers.filter(({ status, headers }) => status === 503 && headers.get('retry-after') !== null)
  return [answers.filter(({ status }) => status === 200).length, refused.length]
}
const times = <T>(n: number, each: T): T[] => Array.from({ length: n }, () => each)

test('a merchant that opens every stream it can takes its share, and neither another’s streams nor the pages’', async () => {
  const stop = new AbortController()
  const pedido = await receber(attacker)
  expect(await open(attacker, times(60, pedido), stop.signal)).toEqual([20, 40])
  const others = await Promise.all(times(30, attacker).map((by) => receber(by)))
  expect(
    await open(
      attacker,
      others.flatMap((each) => times(20, each)),
      stop.signal,
    ),
  ).toEqual([480, 120])

  const ofVictim = await receber(victim)
  const addresses = [`${await page(victim, ofVictim)}/stream`, `${await page(attacker, pedido)}/stream`]
  const listening = addresses.map((address) => createSseClient(() => address))
  const [onPage] = listening
  const stream = await victim(`/orders/${ofVictim}/stream`, { signal: stop.signal })
  expect(stream.status).toBe(200)
  await waitFor(() => listening.every((each) => each.heard.length === 1), { what: 'the pages to hear' })
  const delays: number[] = []
  for (const status of ['SEPARATED', 'IN_TRANSIT', 'OUT_FOR_DELIVERY']) {
    const startedAt = performance.now()
    const before = onPage?.heard.length ?? 0
    await mover(victim, ofVictim, status)
    await waitFor(() => onPage?.heard.length === before + 1, { what: status })
    delays.push((onPage?.heard.at(-1)?.at ?? 0) - startedAt)
  }
  console.info(`500 streams of another merchant: the victim's page heard within ${Math.max(...delays).toFixed(0)} ms`)

  stop.abort()
  await Promise.all(listening.map((each) => each.close()))
  await waitFor(async () => (await listeners()) === 0, { what: 'the places to be free' })
  const again = new AbortController()
  expect(await open(attacker, times(21, pedido), again.signal)).toEqual([20, 1])
  again.abort()
})

test('a stream that nobody reads to begin with keeps no place: HEAD, and a client that is gone at once', async () => {
  const pedido = await receber(victim)
  const address = `${await page(victim, pedido)}/stream`
  for (let i = 0; i < 5; i += 1) {
    expect((await victim(`/orders/${pedido}/stream`, { method: 'HEAD' })).status).toBeLessThan(500)
    expect((await fetch(address, { method: 'HEAD' })).status).toBeLessThan(500)
  }
  for (let i = 0; i < 100; i += 1) {
    const stop = new AbortController()
    const opened = victim(`/orders/${pedido}/stream`, { signal: stop.signal }).catch(() => {})
    setTimeout(() => stop.abort(), i / 10)
    await opened
  }
  await waitFor(async () => (await listeners()) === 0, { what: 'nobody to listen' })
})
