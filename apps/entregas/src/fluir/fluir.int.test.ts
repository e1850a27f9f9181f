import { createNewId } from '@fluxo/shared/id'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { json } from '@fluxo/tests/stage/doors'
import type { PedidoAnswer } from '@fluxo/tests/stage/orders'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Cluster, createCluster, type Instance } from '../../test/cluster.ts'
import { createPedidoReadStore } from '../listar/store.ts'
import { createPedidoStore } from '../mover/store.ts'
import { takePasso } from './step-worker.ts'

let cluster: Cluster
beforeEach(async () => {
  cluster = await createCluster()
})
afterEach(() => cluster.close())

const open = (instance: string, fluxo = { automatic: true, delayMs: 0 }) => cluster.open(instance, { fluxo })
const ask = async (node: Instance, path: string, init?: RequestInit) => (await node.askAs('loja'))(path, init)

/** Orders of the database by status, and whether any history skips or repeats a step. */
const readDatabase = async () => {
  const sql = createSql({ url: cluster.database.appUrl, max: 1, name: 'teste leitura' })
  try {
    const status = await sql<{ status: number; n: number }[]>`
      select status::int, count(*)::int as n from pedido group by 1 order by 1`
    const [history] = await sql<{ errados: number; eventos: number; passos: number }[]>`
      select count(*) filter (where e.seq > 1 and e.anterior is distinct from a.status)::int as errados,
        count(*)::int as eventos, (select count(*)::int from passo) as passos
      from evento e left join evento a on a.pedido_id = e.pedido_id and a.seq = e.seq - 1`
    return { status: Object.fromEntries(status.map((s) => [s.status, s.n])), ...history }
  } finally {
    await closeSql(sql)
  }
}
const create = async (node: Instance, count: number): Promise<string[]> => {
  const ids: string[] = []
  const one = async (i: number) => {
    const answer = await ask(node, '/orders', json({ customer_name: 'Ana', address: `Rua ${i}`, valor: 10 }))
    ids.push(((await answer.json()) as PedidoAnswer).id)
  }
  await Promise.all(Array.from({ length: count }, (_, i) => one(i)))
  return ids
}
const DELIVERED = 6
const allDelivered = async (count: number) => {
  await waitFor(async () => (await readDatabase()).status[DELIVERED] === count, {
    timeoutMs: 25_000,
    what: `${count} orders delivered`,
  })
  // Every order took exactly its two steps, and nothing is left to do.
  expect(await readDatabase()).toEqual({
    status: { [DELIVERED]: count },
    errados: 0,
    eventos: count * 3,
    passos: 0,
  })
}

test('two instances carry every order to its customer, each step once', async () => {
  const [a] = await Promise.all([open('a'), open('b')])
  await create(a, 400)
  await allDelivered(400)
})

test('a step waits for its time, also while nobody runs: a restart takes it when it is due', async () => {
  const before = await open('a', { automatic: true, delayMs: 1_500 })
  const [id] = await create(before, 1)
  const sql = createSql({ url: cluster.database.appUrl, max: 1, name: 'teste' })
  await waitFor(async () => (await sql`select 1 from passo where vence_em > now()`).length === 1)
  await closeSql(sql)
  await before.close()
  expect((await readDatabase()).status).toEqual({ 0: 1 })
  const after = await open('a', { automatic: true, delayMs: 0 })
  await allDelivered(1)
  const eventos = (await (await ask(after, `/orders/${id}/events`)).json()) as { timestamp: string }[]
  const [result, inTransit] = eventos.map(({ timestamp }) => Date.parse(timestamp))
  expect((inTransit ?? 0) - (result ?? 0)).toBeGreaterThanOrEqual(1_400)
})

test('a clock that is ahead delays no order: a step waits its time from now at most', async () => {
  const now = () => new Date(Date.now() + 3 * 3_600_000)
  const fluxo = { automatic: true, delayMs: 50 }
  const ahead = await cluster.open('a', { fluxo, now })
  await create(ahead, 3)
  await allDelivered(3)
})

test('steps that a worker claimed and then died with are taken by another', async () => {
  const a = await open('a', { automatic: false, delayMs: 0 })
  const [id] = await create(a, 1)
  const sql = createSql({ url: cluster.database.appUrl, max: 1, name: 'teste' })
  try {
    // What a dead worker leaves behind: a claim, which is a later due time.
    await sql`insert into passo (vence_em, versao, particao, de, para, pedido_id, comerciante_id)
      values (now() + interval '800 milliseconds', 1, 0, 0, 2, ${id ?? ''}, 'loja')`
  } finally {
    await closeSql(sql)
  }
  await a.close()
  await open('b')
  await allDelivered(1)
})

test('a merchant who cancels wins over the worker or loses to it, and the worker sees why', async () => {
  const a = await open('a', { automatic: true, delayMs: 20 })
  const ids = await create(a, 60)
  const answers = await Promise.all(ids.map((id) => ask(a, `/orders/${id}/cancel`, { method: 'POST' })))
  expect(answers.every(({ status }) => status === 200)).toBe(true)
  await waitFor(async () => (await readDatabase()).passos === 0)
  const { status, errados: wrong } = await readDatabase()
  // Cancelled in time, or already under way and then turned back; never delivered after a cancellation.
  expect(Object.keys(status).filter((codigo) => !['7', '9'].includes(codigo))).toEqual([])
  expect(wrong).toBe(0)
})

test('of two workers that reach for one step, one takes it and the other is told what became of the order', async () => {
  const a = await open('a', { automatic: false, delayMs: 0 })
  const [pedidoId = ''] = await create(a, 1)
  await a.close()
  const sql = createSql({ url: cluster.database.appUrl, max: 4, name: 'teste' })
  try {
    const lines: object[] = []
    const log = { info: (line: object) => lines.push(line), warn: () => {} } as unknown as Logger
    const registry = new Registry()
    const reads = createPedidoReadStore(sql)
    const worker = () => ({
      sql,
      store: createPedidoStore({ sql, particoes: 1, onCommit: () => {} }),
      reads,
      newId: createNewId(),
      now: () => new Date(),
      log,
      registry,
      particoes: 1,
    })
    const passo = {
      pedidoId,
      comercianteId: 'loja',
      versao: 1,
      from: 'RECEIVED',
      to: 'IN_TRANSIT',
      traceparent: undefined,
    } as const
    await Promise.all([takePasso(worker(), passo), takePasso(worker(), passo)])
    expect(lines).toMatchObject([{ pedidoId, versao: 1, to: 'IN_TRANSIT', status: 'IN_TRANSIT', currentVersion: 2 }])
    const metrics = await registry.metrics()
    expect(metrics).toContain('fluxo_fluxo_passos_total{desfecho="dado"} 1')
    expect(metrics).toContain('fluxo_fluxo_passos_total{desfecho="perdido"} 1')
  } finally {
    await closeSql(sql)
  }
})

test('Redis may lose everything: the log in the database brings every order home', async () => {
  const a = await open('a', { automatic: true, delayMs: 100 })
  await create(a, 100)
  await a.redis.commands.unlink(`${cluster.streamPrefix}:{0}`)
  await create(a, 50)
  await allDelivered(150)
})

test('an entry that is no event of this log moves nothing and holds nothing up', async () => {
  const a = await open('a')
  await create(a, 1)
  await allDelivered(1)
  await a.redis.commands.xadd(`${cluster.streamPrefix}:{0}`, '4-0', 'e', '{"forged":true}')
  await create(a, 3)
  await allDelivered(4)
  expect(await a.registry.metrics()).toMatch(
    /fluxo_follow_unreadable_total\{group="entregas",log="[^"]+",particao="0",origem="stream"\} [1-9]/,
  )
})

test('the manual flow moves nothing by itself', async () => {
  const a = await open('a', { automatic: false, delayMs: 0 })
  const [id] = await create(a, 1)
  await ask(a, `/orders/${id}/transitions`, json({ status: 'SEPARATED' }))
  const sql = createSql({ url: cluster.database.appUrl, max: 1, name: 'teste' })
  try {
    await waitFor(async () => (await sql`select 1 from inbox_particao where aplicada_ate = 2`).length === 1)
  } finally {
    await closeSql(sql)
  }
  expect(await readDatabase()).toMatchObject({ status: { 1: 1 }, eventos: 2, passos: 0 })
})
