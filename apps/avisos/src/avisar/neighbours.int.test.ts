import { randomUUID } from 'node:crypto'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { createAuthority } from '@fluxo/tests/stage/certificates'
import { type Ask, json } from '@fluxo/tests/stage/doors'
import { receber } from '@fluxo/tests/stage/orders'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Cluster, createCluster, type Instance } from '../../test/cluster.ts'
import { createNameServer, type NameServer } from '../../test/name-server.ts'
import { createReceiver, type ReceivedMessage, type ReceiverAnswer, type WebhookReceiver } from '../../test/receiver.ts'

let cluster: Cluster
let node: Instance
let sql: Sql
let names: NameServer
let receiver: WebhookReceiver
let victim: Ask
let arrivals: Map<string, number>
let others: (message: ReceivedMessage) => ReceiverAnswer
beforeEach(async () => {
  // An authority is found by its name: no two tests' have the same.
  const authority = createAuthority(randomUUID())
  const certificate = authority.issue('*.loja.example')
  setDefaultCACertificates([...getCACertificates(), authority.cert])
  names = await createNameServer((name) => (name.endsWith('.mudo.example') ? 'calado' : ['127.0.0.1']))
  arrivals = new Map()
  others = () => 200
  receiver = await createReceiver((message) => {
    if (message.path !== '/vitima') return others(message)
    const { data } = JSON.parse(message.body) as { data: { order_id: string } }
    arrivals.set(data.order_id, performance.now())
    // No connection is kept, so each webhook of the victim needs its name.
    return { status: 200, headers: { connection: 'close' } }
  }, certificate)
  cluster = await createCluster()
  node = await cluster.open('a', { allowsLoopback: true, pollMs: 20, servers: names.servers })
  sql = createSql({ url: cluster.database.ownerUrl, max: 2, name: 'teste' })
  victim = await node.askAs('vitima')
  await webhook(victim, receiver.at('vitima.loja.example', '/vitima'))
})
afterEach(async () => {
  await cluster.close()
  await Promise.all([receiver.close(), names.close(), closeSql(sql)])
})

const webhook = async (by: Ask, url: string): Promise<string> => {
  const answer = await by('/webhooks', json({ url }))
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { id: string }).id
}
const ten = Array.from({ length: 10 }, (_, i) => i)

/** Orders of the victim, one after the other, each told of; `still` must hold after each. Gives how late they were told of, in ms. */
const askOneByOne = async (count: number, still: () => Promise<boolean> | boolean = () => true): Promise<number[]> => {
  const delays: number[] = []
  for (let i = 0; i < count; i += 1) {
    const startedAt = performance.now()
    const pedido = await receber(victim)
    await waitFor(() => arrivals.has(pedido), { timeoutMs: 20_000, what: `the victim's webhook ${i}` })
    delays.push((arrivals.get(pedido) ?? 0) - startedAt)
    expect(await still()).toBe(true)
  }
  return delays
}
const report = (what: string, delays: readonly number[]): void => {
  const [sorted, last] = [delays.toSorted((a, b) => a - b), delays.length - 1]
  const ms = (share: number): string => (sorted[Math.round(last * share)] ?? 0).toFixed(0)
  console.info(`${what}: the victim's webhooks p50 ${ms(0.5)} ms, highest ${ms(1)} ms, of ${delays.length}`)
}
/** The victim lost nothing: each order was told at its first attempt. */
const nothingLost = async (count: number): Promise<void> => {
  await waitFor(async () => (await victimAvisos('a.situacao = 1')) === count, { what: 'what came of them' })
  expect(await victimAvisos('a.tentativas = 1 and a.devolvido_em is null')).toBe(count)
}
const victimAvisos = async (condition: string): Promise<number> => {
  const [{ n } = { n: 0 }] = await sql.unsafe<{ n: number }[]>(
    `select count(*)::int as n from aviso a join webhook w on w.id = a.webhook_id where w.comerciante_id = 'vitima' and ${condition}`,
  )
  return n
}
const underWay = async (): Promise<number> =>
  Number(/fluxo_avisos_em_voo (\d+)/.exec(await node.registry.metrics())?.[1])

test('names that no resolver answers hold up nobody else’s webhooks, and what was not sent is no attempt', async () => {
  const attacker = await node.askAs('atacante')
  const ids = await Promise.all(ten.map((i) => webhook(attacker, `https://h${i}.mudo.example/x`)))
  await Promise.all(
    ids.flatMap((id) => Array.from({ length: 16 }, () => attacker(`/webhooks/${id}/test`, { method: 'POST' }))),
  )
  await waitFor(() => names.questions.some((name) => name.endsWith('.mudo.example')))
  const silent = async () =>
    (await sql`select from aviso where tipo = 'webhook.teste' and devolvido_em is null`).length > 0
  report('names that nobody resolves', await askOneByOne(10, silent))
  await nothingLost(10)
  await waitFor(async () => (await sql`select from aviso where motivo = 'nome não resolvido'`).length > 0, {
    timeoutMs: 20_000,
  })
  expect(
    await sql`select from aviso_tentativa t join aviso a on a.id = t.aviso_id where a.tipo = 'webhook.teste'`,
  ).toEqual([])
})

test('a receiver that fails closes no other merchant’s webhook at the same host', async () => {
  others = () => 500
  const attacker = await node.askAs('atacante')
  const id = await webhook(attacker, receiver.at('vitima.loja.example', '/ruim'))
  for (let i = 0; i < 20; i += 1) await attacker(`/webhooks/${id}/test`, { method: 'POST' })
  const isOpen = async () => (await node.registry.metrics()).includes('fluxo_avisos_circuitos{estado="open"} 1')
  await waitFor(isOpen, { what: 'the attacker’s circuit to open' })
  report('a failing receiver at the same host', await askOneByOne(20, isOpen))
  await nothingLost(20)
})

test('a merchant with slow receivers and an import has its share of the places and no more', async () => {
  others = () => ({ status: 200, afterMs: 12_000 })
  const attacker = await node.askAs('atacante')
  // All at the host of the victim, whose connections are nobody's share.
  await Promise.all(ten.map((i) => webhook(attacker, receiver.at('vitima.loja.example', `/lento${i}`))))
  const lines = Array.from({ length: 400 }, (_, i) => `Ana,"Rua A, ${i}"`)
  const file = {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: ['customer_name,address', ...lines].join('\n'),
  }
  expect((await attacker('/orders/importacoes', file)).status).toBe(200)
  await waitFor(async () => (await underWay()) === 64, { what: 'the attacker to have all of its places' })
  report('slow receivers and an import', await askOneByOne(20, async () => (await underWay()) <= 65))
  await nothingLost(20)
})

test('where many merchants have taken every place, the next free one is for who has none', async () => {
  others = () => ({ status: 200, afterMs: 300 })
  for (const i of ten.slice(0, 5)) {
    const attacker = await node.askAs(`atacante-${i}`)
    await Promise.all(ten.map((n) => webhook(attacker, receiver.at('vitima.loja.example', `/lento${n}`))))
  }
  // What waits for a long time already comes before what is new: not here.
  await sql`
    insert into aviso (webhook_id, evento_id, tipo, vence_em)
    select w.id, gen_random_uuid(), 'webhook.teste', now() - interval '1 hour' from webhook w, generate_series(1, 400)
    where w.comerciante_id like 'atacante-%'`
  await waitFor(async () => (await underWay()) >= 250, { what: 'every place to be taken' })
  const queueOfOthers = async () =>
    (await sql`select from aviso where vence_em < now() - interval '1 minute' limit 1`).length === 1
  report('every place taken by five merchants', await askOneByOne(10, queueOfOthers))
  await nothingLost(10)
})
