import { json } from '@fluxo/tests/stage/doors'
import { mover, receber } from '@fluxo/tests/stage/orders'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CreatedWebhook, createWebhookStage, isSignedWith, type WebhookStage } from '../../test/webhook-stage.ts'

let stage: WebhookStage
let cluster: WebhookStage['cluster']
let sql: WebhookStage['sql']
let receiver: WebhookStage['receiver']
let node: WebhookStage['node']
let ask: WebhookStage['ask']
let create: WebhookStage['create']
let arrived: WebhookStage['arrived']
let statuses: WebhookStage['statuses']
beforeEach(async () => {
  stage = await createWebhookStage()
  ;({ cluster, sql, receiver, node, ask, create, arrived, statuses } = stage)
})
afterEach(() => stage.close())

describe('a webhook', () => {
  test('tells of each event once, signed, in the words of GET /orders/{id}/events', async () => {
    const { id, secret } = await create()
    const pedido = await receber(ask)
    await mover(ask, pedido, 'SEPARATED')
    await mover(ask, pedido, 'IN_TRANSIT', { note: 'saiu' })
    await arrived(3)
    const made = await statuses(id, ['delivered', 'delivered', 'delivered'])
    expect(receiver.messages).toHaveLength(3)
    const eventos = (await (await ask(`/orders/${pedido}/events`)).json()) as object[]
    const told = receiver.messages.map(({ body }) => JSON.parse(body) as { type: string; data: { seq: number } })
    expect(told.map(({ data }) => data).toSorted((a, b) => a.seq - b.seq)).toEqual(eventos)
    expect(told.map(({ type }) => type).toSorted()).toEqual([
      'pedido.em-transporte.v1',
      'pedido.recebido.v1',
      'pedido.separado.v1',
    ])
    for (const message of receiver.messages) {
      expect(message.headers['content-type']).toBe('application/json')
      expect(Math.abs(Date.now() / 1_000 - Number(message.headers['webhook-timestamp']))).toBeLessThan(300)
      expect(isSignedWith(secret, message)).toBe(true)
    }
    expect(new Set(receiver.messages.map(({ id: one }) => one))).toEqual(new Set(made.map(({ id: one }) => one)))
    expect(await node.registry.metrics()).toContain('fluxo_avisos_tentativas_total{situacao="delivered"} 3')
  })

  test('hears only of what it asked for, of its own merchant, and of nothing before it was made', async () => {
    const pedido = await receber(ask)
    const { id, events } = await create({ events: ['pedido.cancelado.v1'] })
    const read = await (await ask(`/webhooks/${id}`)).json()
    expect([events, read]).toEqual([['pedido.cancelado.v1'], expect.objectContaining({ events })])
    const other = await node.askAs('outra')
    await receber(other)
    await mover(ask, pedido, 'SEPARATED')
    await ask(`/orders/${pedido}/cancel`, { method: 'POST' })
    const [aviso] = await statuses(id, ['delivered'])
    expect(aviso?.type).toBe('pedido.cancelado.v1')
  })

  test('shows its secret when it is made and never again, and another merchant sees nothing of it', async () => {
    const { id, secret } = await create()
    expect(secret).toMatch(/^whsec_/)
    const other = await node.askAs('outra')
    for (const path of ['/webhooks', `/webhooks/${id}`, `/webhooks/${id}/deliveries`]) {
      const text = await (await ask(path)).text()
      expect(text).not.toContain('secret')
      expect(text).not.toContain(secret)
    }
    expect(await (await other('/webhooks')).json()).toEqual([])
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/deliveries'],
      ['POST', '/test'],
      ['POST', '/secret'],
      ['POST', `/deliveries/msg_${id}/redeliver`],
    ] as const) {
      expect([method, path, (await other(`/webhooks/${id}${path}`, { method })).status]).toEqual([method, path, 404])
    }
    expect((await ask('/webhooks/nada')).status).toBe(404)
    const readOnly = await node.askAs('loja', ['entregas:ler'])
    expect((await readOnly('/webhooks', json({ url: receiver.url }))).status).toBe(403)
  })

  test('signs with both secrets after a rotation', async () => {
    const before = await create()
    const rotated = (await (await ask(`/webhooks/${before.id}/secret`, { method: 'POST' })).json()) as CreatedWebhook
    expect(rotated.secret).not.toBe(before.secret)
    await receber(ask)
    await arrived(1)
    const [message] = receiver.messages
    expect(message && [isSignedWith(before.secret, message), isSignedWith(rotated.secret, message)]).toEqual([
      true,
      true,
    ])
  })

  test('that is removed is told of nothing more, and forgets its secret', async () => {
    receiver.answerWith(() => 500)
    const { id } = await create()
    await receber(ask)
    await arrived(1)
    expect((await ask(`/webhooks/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await ask(`/webhooks/${id}`)).status).toBe(404)
    await receber(ask)
    await waitFor(async () => (await sql`select from inbox_pedidos where aplicada_ate = 2`).length === 1)
    const rows = await sql`select situacao::int, vence_em from aviso`
    expect(rows).toEqual([{ situacao: 3, vence_em: null }])
    expect(await sql`select segredo from webhook`).toEqual([{ segredo: '' }])
  })

  test('that is removed is not sent what was noted in that very moment', async () => {
    const { id } = await create()
    expect((await ask(`/webhooks/${id}`, { method: 'DELETE' })).status).toBe(204)
    // What a statement leaves that read the webhook a moment before it was removed.
    await sql`insert into aviso (webhook_id, evento_id, tipo, vence_em) values (${id}, gen_random_uuid(), 'x', now())`
    await waitFor(async () => (await sql`select from aviso where situacao = 3 and vence_em is null`).length === 1)
    expect(receiver.messages).toEqual([])
  })

  test('is one of ten, however many are made at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, async () => (await ask('/webhooks', json({ url: receiver.url }))).status),
    )
    expect(answers.filter((status) => status === 201)).toHaveLength(10)
    expect(answers.filter((status) => status === 409)).toHaveLength(30)
    const [one] = (await (await ask('/webhooks')).json()) as CreatedWebhook[]
    await ask(`/webhooks/${one?.id}`, { method: 'DELETE' })
    await create()
  })

  test('is refused where its URL is no public target, or there are too many', async () => {
    const gate = await cluster.open('b', { allowsLoopback: false })
    const atB = await gate.askAs('loja')
    for (const url of [receiver.url, 'https://169.254.169.254/', 'https://[::ffff:10.0.0.1]/', 'ftp://a.b', 7]) {
      const answer = await atB('/webhooks', json({ url }))
      expect(answer.status).toBe(422)
      expect(await answer.json()).toMatchObject({ erros: [{ campo: 'url' }] })
    }
    expect((await atB('/webhooks', json({ url: 'https://loja.example/', events: ['nada'] }))).status).toBe(422)
    expect((await atB('/webhooks', json({ url: 'https://loja.example/', segredo: 'x' }))).status).toBe(422)
    for (let i = 0; i < 10; i += 1) await create()
    expect((await ask('/webhooks', json({ url: receiver.url }))).status).toBe(409)
  })
})
