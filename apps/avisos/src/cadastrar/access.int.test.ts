import { json } from '@fluxo/tests/stage/doors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWebhookStage, type WebhookStage } from '../../test/webhook-stage.ts'

let stage: WebhookStage
beforeAll(async () => {
  stage = await createWebhookStage()
})
afterAll(() => stage.close())

test('a token for orders keeps and reads webhooks of orders, and no other; one for avisos all of them', async () => {
  const { node, receiver, sql, create } = stage
  const orders = await node.askAs('loja', ['entregas:escrever', 'entregas:ler'])
  const all = await node.askAs('loja', ['avisos:escrever', 'avisos:ler'])
  const { id: own, events } = await create({ events: ['order.*', 'pedido.entregue.v1'] }, orders)
  expect(events).toEqual(['order.*', 'pedido.entregue.v1'])
  const { id: more } = await create({}, all)
  await sql`update webhook set eventos = '{order.*,lancamento.*}' where id = ${more}`

  const idsFor = async (ask: typeof orders) =>
    ((await (await ask('/webhooks')).json()) as { id: string }[]).map(({ id }) => id)
  expect([await idsFor(orders), await idsFor(all)]).toEqual([[own], [own, more]])
  for (const [method, path, scope] of [
    ['GET', '', 'avisos:ler'],
    ['GET', '/deliveries', 'avisos:ler'],
    ['POST', '/test', 'avisos:escrever'],
    ['POST', '/secret', 'avisos:escrever'],
    ['POST', '/retomar', 'avisos:escrever'],
    ['POST', `/deliveries/msg_${own}/redeliver`, 'avisos:escrever'],
    ['DELETE', '', 'avisos:escrever'],
  ] as const) {
    const answer = await orders(`/webhooks/${more}${path}`, { method })
    expect([path, answer.status, await answer.json()]).toMatchObject([path, 403, { escopo: scope }])
  }
  for (const ask of [orders, all]) expect((await ask(`/webhooks/${own}`)).status).toBe(200)
  expect((await all(`/webhooks/${more}`, { method: 'DELETE' })).status).toBe(204)
  // What may read may not write.
  for (const scope of ['avisos:ler', 'entregas:ler']) {
    const reader = await node.askAs('loja', [scope])
    expect([
      (await reader('/webhooks')).status,
      (await reader('/webhooks', json({ url: receiver.url }))).status,
    ]).toEqual([200, 403])
  }
})
