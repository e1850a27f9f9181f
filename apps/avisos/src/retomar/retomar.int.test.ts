import { receber } from '@fluxo/tests/stage/orders'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createWebhookStage, type WebhookStage } from '../../test/webhook-stage.ts'

let stage: WebhookStage
beforeEach(async () => {
  stage = await createWebhookStage()
})
afterEach(() => stage.close())

const read = async (id: string) =>
  (await (await stage.ask(`/webhooks/${id}`)).json()) as { status: string; disabled_reason?: string }
const failingSince = async (id: string) =>
  (await stage.sql<{ desde: Date | null }[]>`select falhando_desde as desde from webhook where id = ${id}`)[0]?.desde

test('a receiver that fails for five days is told no more, and one success in between begins the days anew', async () => {
  const { create, ask, avisos, receiver, sql, makeDue, statuses } = stage
  receiver.answerWith(() => 500)
  const { id } = await create()
  await receber(ask)
  await waitFor(async () => (await failingSince(id)) instanceof Date, { what: 'the first failure' })
  const began = await failingSince(id)
  await makeDue()
  await waitFor(async () => (await avisos(id))[0]?.attempts.length === 2, { what: 'the second failure' })
  expect(await failingSince(id)).toEqual(began)

  await sql`update webhook set falhando_desde = now() - interval '119 hours'`
  receiver.answerWith(() => 200)
  await makeDue()
  await statuses(id, ['delivered'])
  expect([await failingSince(id), (await read(id)).status]).toEqual([null, 'active'])

  receiver.answerWith(() => 500)
  await receber(ask)
  await waitFor(async () => (await failingSince(id)) instanceof Date)
  await sql`update webhook set falhando_desde = now() - interval '121 hours'`
  await makeDue()
  await waitFor(async () => (await read(id)).status === 'disabled')
  expect(await read(id)).toMatchObject({ disabled_reason: 'O destino falhou por 5 dias.' })
  await statuses(id, ['cancelled', 'delivered'])
})

test('a webhook that is taken up again gets what it missed, under the same ids, and nothing twice', async () => {
  const { create, ask, receiver, sql, statuses, cluster } = stage
  const { id } = await create()
  await receber(ask)
  await statuses(id, ['delivered'])
  receiver.answerWith(() => 410)
  await receber(ask)
  await waitFor(async () => (await read(id)).status === 'disabled')
  for (let i = 0; i < 3; i += 1) await receber(ask)
  await waitFor(async () => (await sql`select from evento`).length === 5, { what: 'what is kept meanwhile' })
  // One of them long ago.
  await sql`update evento set criado_em = now() - interval '8 days' where seq = 3`
  const before = receiver.messages.map((message) => message.id)
  receiver.answerWith(() => 200)
  const answer = await ask(`/webhooks/${id}/retomar`, { method: 'POST' })
  expect([answer.status, await answer.json()]).toMatchObject([200, { id, status: 'active' }])
  await statuses(id, ['delivered', 'delivered', 'delivered', 'delivered'])
  const after = receiver.messages.slice(before.length).map((message) => message.id)
  expect(after).toHaveLength(3)
  expect(after).toContain(before.at(-1))
  expect(after).not.toContain(before[0])

  // Repeated, and of another merchant: nothing more is sent.
  expect((await ask(`/webhooks/${id}/retomar`, { method: 'POST' })).status).toBe(200)
  const other = await stage.node.askAs('outra')
  expect((await other(`/webhooks/${id}/retomar`, { method: 'POST' })).status).toBe(404)
  await cluster.open('b')
  expect(await sql`select from aviso where vence_em is not null`).toEqual([])
  expect(receiver.messages).toHaveLength(before.length + 3)
})

test('what was missed is due again beyond one piece', async () => {
  const { create, ask, receiver, sql, arrived } = stage
  const { id } = await create()
  await sql`update webhook set desativado_em = now(), desde = now() - interval '1 day'`
  await sql`insert into evento (comerciante_id, seq, id, em, tipo, corpo)
    select 'loja', n, gen_random_uuid(), now(), 'pedido.recebido.v1', '{}' from generate_series(1, 2100) n`
  await ask(`/webhooks/${id}/retomar`, { method: 'POST' })
  expect(await sql`select count(*)::int as n from aviso`).toEqual([{ n: 2_100 }])
  await arrived(2_100)
  expect(new Set(receiver.messages.map((message) => message.id)).size).toBe(2_100)
})

test('who takes webhooks up again and again has one connection, and another’s is taken up meanwhile', async () => {
  const { create, ask, sql, node } = stage
  const { id } = await create()
  const other = await node.askAs('outra')
  const { id: others } = await create({}, other)
  // Nothing of it asked for, so that only the search is at work.
  await sql`update webhook set eventos = '{x}' where id = ${id}`
  await sql`insert into evento (comerciante_id, seq, id, em, tipo, corpo)
    select 'loja', n, gen_random_uuid(), now(), 'pedido.recebido.v1', '{}' from generate_series(1, 60000) n`
  let [highest, done] = [0, 0]
  const all = Promise.all(
    Array.from({ length: 8 }, async () => {
      const { status } = await ask(`/webhooks/${id}/retomar`, { method: 'POST' })
      done += 1
      return status
    }),
  )
  const busy = async () => {
    const rows = await sql`select from pg_stat_activity
      where state = 'active' and usename = 'avisos' and datname = current_database() and query like '%trecho as materialized%'`
    highest = Math.max(highest, rows.length)
    return rows.length > 0
  }
  await waitFor(busy, { what: 'the first of them', intervalMs: 1 })
  expect((await other(`/webhooks/${others}/retomar`, { method: 'POST' })).status).toBe(200)
  expect(done).toBeLessThan(8)
  while (done < 8) await busy()
  expect(new Set(await all).difference(new Set([200, 503]))).toEqual(new Set())
  expect(highest).toBe(1)
})
