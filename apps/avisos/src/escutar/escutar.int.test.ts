import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import type { Ask } from '@fluxo/tests/stage/doors'
import { mover, receber } from '@fluxo/tests/stage/orders'
import { createSseClient, type SseClient } from '@fluxo/tests/stage/sse-client'
import { merchantBearer } from '@fluxo/tests/stage/tokens'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Cluster, createCluster, type Instance } from '../../test/cluster.ts'

let cluster: Cluster
let node: Instance
let ask: Ask
let sql: Sql
let listeners: SseClient[]
beforeEach(async () => {
  cluster = await createCluster()
  node = await cluster.open('a')
  ask = await node.askAs('loja')
  sql = createSql({ url: cluster.database.ownerUrl, max: 1, name: 'teste' })
  listeners = []
})
afterEach(async () => {
  await Promise.all(listeners.map((one) => one.close()))
  await closeSql(sql)
  await cluster.close()
})

/** Listens, and is there once the stream is open. */
const listen = async (
  { query = '', who = 'loja', after }: { query?: string; who?: string; after?: number },
  url = () => node.url,
): Promise<SseClient> => {
  const authorization = await merchantBearer(who)
  const one = createSseClient(() => `${url()}/avisos/stream${query}`, {
    authorization,
    ...(after !== undefined && { 'last-event-id': String(after) }),
  })
  listeners.push(one)
  await waitFor(() => one.openings() > 0, { what: 'the stream to be open' })
  return one
}
const seqs = ({ heard }: SseClient) => heard.map(({ id }) => Number(id))
const until = (one: SseClient, seq: number) =>
  waitFor(() => seqs(one).at(-1) === seq, { timeoutMs: 20_000, what: `event ${seq}, have ${seqs(one).join()}` })
const upTo = (n: number, from = 1) => Array.from({ length: n - from + 1 }, (_, i) => from + i)
/** Until so many events of orders have been read, and noted for whoever wants them. */
const followed = (count: number) =>
  waitFor(async () => (await sql<{ n: number }[]>`select aplicada_ate::int as n from inbox_pedidos`)[0]?.n === count, {
    timeoutMs: 20_000,
    what: `${count} events of orders`,
  })

test('a stream tells what happens from now on, in the text that a webhook gets, numbered without gaps', async () => {
  const one = await listen({})
  const pedido = await receber(ask)
  await mover(ask, pedido, 'IN_TRANSIT', { note: 'saiu\u2028"já"' })
  await until(one, 2)
  expect(one.lines.slice(0, 2)).toEqual(['retry: 3000', 'id: 0'])
  expect(one.heard.map(({ event }) => event)).toEqual(['pedido.recebido.v1', 'pedido.em-transporte.v1'])
  const rows = await sql<{ id: string; corpo: string }[]>`select id, corpo from evento order by seq`
  expect(one.heard.map(({ data }) => [data['webhook-id'], data['body']])).toEqual(
    rows.map(({ id, corpo }) => [`msg_${id}`, corpo]),
  )
  const history = (await (await ask(`/orders/${pedido}/events`)).json()) as unknown[]
  expect(one.heard.map(({ data }) => JSON.parse(String(data['body'])).data)).toEqual(history)
  expect(one.heard.every(({ data }) => /^\d{10}$/.test(String(data['webhook-timestamp'])))).toBe(true)
})

test('a client across an instance that is cut off misses nothing and hears nothing twice, whoever notes the events', async () => {
  const other = await cluster.open('b')
  let alive = node
  const both = [await listen({}, () => alive.url), await listen({ query: '?eventos=order.*' }, () => alive.url)]
  const pedidos: string[] = []
  for (const n of upTo(30)) {
    if (n === 10) {
      alive = other
      void node.stop(0)
    }
    pedidos.push(await receber(ask))
  }
  for (const one of both) {
    await until(one, 30)
    expect(seqs(one)).toEqual(upTo(30))
    expect(one.openings()).toBeGreaterThan(1)
    // Two instances read one log, so the order of orders is not promised.
    const told = one.heard.map(({ data }) => JSON.parse(String(data['body'])).data.order_id)
    expect(new Set(told)).toEqual(new Set(pedidos))
  }
})

test('what happens while nobody listens is kept for a merchant that listened within a week, and for no other', async () => {
  const other = await node.askAs('outra')
  const one = await listen({})
  await one.close()
  for (const by of [ask, other, ask, other]) await receber(by)
  await followed(4)
  const again = await listen({ after: 0 })
  await until(again, 2)
  expect(seqs(again)).toEqual([1, 2])
  // A week later.
  await again.close()
  await sql`update ouvinte set escuta_ate = now() - interval '1 second'`
  await receber(ask)
  await followed(5)
  const later = await listen({ after: 1 })
  await receber(ask)
  await until(later, 3)
  expect(seqs(later)).toEqual([2, 3])
})

test('an open stream goes on being kept for, one write a day', async () => {
  await listen({})
  await sql`update ouvinte set escuta_ate = now() + interval '1 day'`
  const leftDays = async (): Promise<number> => {
    const [row] = await sql<{ days: number }[]>`
      select extract(epoch from escuta_ate - now())::float8 / 86400 as days from ouvinte`
    return row?.days ?? 0
  }
  await waitFor(async () => (await leftDays()) > 6.9, { what: 'the stream to renew what is kept' })
})

test('only what was asked for is told: types, patterns, and nothing unknown', async () => {
  const moves = await listen({ query: '?eventos=pedido.em-transporte.v1,pedido.cancelado.v1' })
  const none = await listen({ query: '?eventos=lancamento.*,consolidado.dia_alterado' })
  const all = await listen({ query: '?eventos=order.*,pedido.recebido.v1' })
  const pedido = await receber(ask)
  await mover(ask, pedido, 'SEPARATED')
  await mover(ask, pedido, 'IN_TRANSIT')
  await until(all, 3)
  await until(moves, 3)
  expect([seqs(moves), seqs(none), seqs(all)]).toEqual([[3], [], [1, 2, 3]])
  for (const query of ['eventos=pedido.*', 'eventos=', 'eventos=order.*,x', 'tipo=x']) {
    expect((await ask(`/avisos/stream?${query}`)).status).toBe(422)
  }
})

test('events that are no longer kept are passed over, and a number from before a restore begins anew', async () => {
  await (await listen({})).close()
  for (const _ of upTo(4)) await receber(ask)
  await followed(4)
  await sql`delete from evento where seq <= 2`
  const one = await listen({ after: 1 })
  const ahead = await listen({ after: 999 })
  await until(one, 4)
  await receber(ask)
  await until(one, 5)
  await until(ahead, 5)
  expect([seqs(one), seqs(ahead)]).toEqual([[3, 4, 5], [5]])
})

test('a backlog of many pages is told from its beginning', async () => {
  await (await listen({})).close()
  await sql`
    insert into evento (comerciante_id, seq, id, em, tipo, corpo)
    select 'loja', n, gen_random_uuid(), now(), 'lancamento.registrado', repeat('x', 4000) from generate_series(1, 350) n`
  await sql`update ouvinte set ultimo = 350`
  const one = await listen({ after: 0 })
  await until(one, 350)
  expect(seqs(one)).toEqual(upTo(350))
})

test('an instance that leaves ends its streams', async () => {
  const answer = await ask('/avisos/stream')
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  await waitFor(async () => (await node.registry.metrics()).includes('fluxo_avisos_ouvintes 1'))
  node.module.leave?.()
  expect(await answer.text()).toBe('retry: 3000\nid: 0\n\n')
})

test('a stream needs the right scope, and tells its own merchant’s events only', async () => {
  const other = await node.askAs('outra')
  const [own, foreign] = [await listen({}), await listen({ who: 'outra' })]
  const pedido = await receber(ask)
  await receber(other)
  await receber(other)
  await until(own, 1)
  await until(foreign, 2)
  expect(own.heard.map(({ data }) => JSON.parse(String(data['body'])).data.order_id)).toEqual([pedido])
  expect(JSON.stringify(foreign.heard)).not.toContain(pedido)
  expect((await fetch(`${node.url}/avisos/stream`)).status).toBe(401)
  const withoutScope = await node.askAs('loja', ['entregas:ler'])
  expect((await withoutScope('/avisos/stream')).status).toBe(403)
  for (const id of ['-1', 'x', '1 or 1=1']) {
    expect((await ask('/avisos/stream', { headers: { 'last-event-id': id } })).status).toBe(400)
  }
})

test('a merchant that opens every stream it can takes its share, and another listens beside it', async () => {
  const stop = new AbortController()
  const answers = await Promise.all(upTo(30).map(() => ask('/avisos/stream', { signal: stop.signal })))
  const refused = answers.filter(({ status, headers }) => status === 503 && headers.get('retry-after') !== null)
  expect([answers.filter(({ status }) => status === 200).length, refused.length]).toEqual([20, 10])
  const one = await listen({ who: 'outra' })
  await receber(await node.askAs('outra'))
  await until(one, 1)
  stop.abort()
  for (const _ of upTo(5)) expect((await ask('/avisos/stream', { method: 'HEAD' })).status).toBe(200)
  await one.close()
  await waitFor(async () => (await node.registry.metrics()).includes('fluxo_avisos_ouvintes 0'), { what: 'nobody' })
})
