import { receber } from '@fluxo/tests/stage/orders'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createNameServer } from '../../test/name-server.ts'
import { type AvisoAnswer, createWebhookStage, isSignedWith, type WebhookStage } from '../../test/webhook-stage.ts'

let stage: WebhookStage
let cluster: WebhookStage['cluster']
let sql: WebhookStage['sql']
let receiver: WebhookStage['receiver']
let node: WebhookStage['node']
let ask: WebhookStage['ask']
let avisos: WebhookStage['avisos']
let create: WebhookStage['create']
let arrived: WebhookStage['arrived']
let statuses: WebhookStage['statuses']
let makeDue: WebhookStage['makeDue']
beforeEach(async () => {
  stage = await createWebhookStage()
  ;({ cluster, sql, receiver, node, ask, avisos, create, arrived, statuses, makeDue } = stage)
})
afterEach(() => stage.close())

describe('a delivery', () => {
  test('that fails is tried again with the same webhook-id, and its log tells each attempt', async () => {
    const answers = [
      { status: 503, body: 'volte\nmais tarde' },
      { status: 302, headers: { location: `${receiver.url}/x` } },
      { status: 200 },
    ]
    receiver.answerWith(() => answers.shift() ?? 500)
    const { id } = await create()
    await receber(ask)
    for (const attempts of [1, 2]) {
      await waitFor(async () => (await avisos(id))[0]?.attempts.length === attempts)
      const [aviso] = await avisos(id)
      const wait = Date.parse(aviso?.next_attempt_at ?? '') - Date.now()
      expect(wait).toBeGreaterThan(attempts === 1 ? 20_000 : 280_000)
      expect(wait).toBeLessThanOrEqual(attempts === 1 ? 36_000 : 360_000)
      await makeDue()
    }
    const [aviso] = await statuses(id, ['delivered'])
    expect(aviso?.attempts.map(({ status, response }) => [status, response])).toEqual([
      [503, 'volte mais tarde'],
      [302, undefined],
      [200, undefined],
    ])
    // The redirect was not followed, and a repeated message is known by its id.
    expect(receiver.messages.map(({ path }) => path)).toEqual(['/avisos', '/avisos', '/avisos'])
    expect(new Set(receiver.messages.map(({ id: one }) => one)).size).toBe(1)
  })

  test('is given up after seven attempts, and a redelivery begins anew', async () => {
    receiver.answerWith(() => 400)
    const { id } = await create()
    await receber(ask)
    for (let attempts = 1; attempts <= 7; attempts += 1) {
      await waitFor(async () => (await avisos(id))[0]?.attempts.length === attempts)
      await makeDue()
    }
    const [aviso] = await statuses(id, ['exhausted'])
    expect(aviso?.next_attempt_at).toBeUndefined()
    receiver.answerWith(() => 200)
    const again = await ask(`/webhooks/${id}/deliveries/${aviso?.id}/redeliver`, { method: 'POST' })
    expect([again.status, await again.json()]).toMatchObject([202, { id: aviso?.id, status: 'pending' }])
    const [after] = await statuses(id, ['delivered'])
    expect(after?.attempts).toHaveLength(8)
    expect((await ask(`/webhooks/${id}/deliveries/msg_${id}/redeliver`, { method: 'POST' })).status).toBe(404)
    expect((await ask(`/webhooks/${id}/deliveries/nada/redeliver`, { method: 'POST' })).status).toBe(404)
  })

  test('answered with 410 ends its webhook, and what waits for it', async () => {
    receiver.answerWith(() => 410)
    const { id } = await create()
    await receber(ask)
    await statuses(id, ['cancelled'])
    await waitFor(
      async () => ((await (await ask(`/webhooks/${id}`)).json()) as { status: string }).status === 'disabled',
    )
    await receber(ask)
    await waitFor(async () => (await sql`select from inbox_pedidos where aplicada_ate = 2`).length === 1)
    expect(receiver.messages).toHaveLength(1)
    for (const route of ['/test', `/deliveries/${receiver.messages[0]?.id}/redeliver`]) {
      expect((await ask(`/webhooks/${id}${route}`, { method: 'POST' })).status).toBe(409)
    }
  })

  test('survives its instance: what one took and did not note, another sends when the claim ends', async () => {
    receiver.answerWith(() => 'nunca')
    const { id } = await create()
    await receber(ask)
    await arrived(1)
    // As a killed instance leaves it: taken, and nothing noted.
    await sql`update aviso set vence_em = now()`
    receiver.answerWith(() => 200)
    await cluster.open('b')
    await statuses(id, ['delivered'])
    expect(new Set(receiver.messages.map((each) => each.id)).size).toBe(1)
  })

  test('a test message goes the same way', async () => {
    const { id, secret } = await create()
    const answer = await ask(`/webhooks/${id}/test`, { method: 'POST' })
    expect([answer.status, await answer.json()]).toMatchObject([202, { type: 'webhook.teste' }])
    await arrived(1)
    const [message] = receiver.messages
    expect(message && isSignedWith(secret, message)).toBe(true)
    expect(JSON.parse(message?.body ?? '')).toMatchObject({ type: 'webhook.teste' })
  })

  test('pages of the log follow each other without a gap', async () => {
    const { id } = await create()
    for (let i = 0; i < 5; i += 1) await receber(ask)
    await statuses(
      id,
      Array.from({ length: 5 }, () => 'delivered'),
    )
    const seen: string[] = []
    let cursor = ''
    do {
      const answer = await ask(`/webhooks/${id}/deliveries?limite=2${cursor}`)
      const page = (await answer.json()) as { itens: AvisoAnswer[]; proximo: string | null }
      seen.push(...page.itens.map((one) => one.id))
      cursor = page.proximo === null ? '' : `&cursor=${page.proximo}`
    } while (cursor !== '')
    expect(seen).toEqual((await avisos(id)).map((one) => one.id))
    expect(seen).toHaveLength(5)
    expect((await ask(`/webhooks/${id}/deliveries?cursor=forjado`)).status).toBe(400)
  })
})

test('two instances deliver each event, Redis losing its streams in between, and none is missing', async () => {
  const { id } = await create()
  await cluster.open('b')
  for (let i = 0; i < 40; i += 1) await receber(ask)
  await node.redis.commands.unlink(`${cluster.streamPrefix}:{0}`)
  for (let i = 0; i < 40; i += 1) await receber(ask)
  await waitFor(async () => (await sql`select from aviso where situacao = 1`).length === 80, { timeoutMs: 25_000 })
  const told = receiver.messages.map(({ body }) => (JSON.parse(body) as { data: { id: string } }).data.id)
  expect(new Set(told).size).toBe(80)
  expect(await sql`select count(*)::int as n from aviso where webhook_id = ${id}`).toEqual([{ n: 80 }])
})

test('another schedule gives up where it ends', async () => {
  const other = await cluster.open('b', { allowsLoopback: true, pollMs: 20, waitsMs: [0, 10, 10] })
  await node.close()
  receiver.answerWith(() => 400)
  const atB = await other.askAs('loja')
  const { id } = await create({}, atB)
  await receber(atB)
  await waitFor(async () => (await sql`select from aviso where webhook_id = ${id} and situacao = 2`).length === 1)
  expect(receiver.messages).toHaveLength(3)
})

test.each([
  [500, 'status 500'],
  [404, 'status 404'],
])(
  'a receiver that answers %s is left in peace: its circuit opens, nothing counts as an attempt then, and its log says why',
  async (status, failure) => {
    const gate = await cluster.open('b', { allowsLoopback: true, pollMs: 20, restMs: 60_000 })
    await node.close()
    receiver.answerWith(() => status)
    const atB = await gate.askAs('loja')
    const { id } = await create({}, atB)
    for (let i = 0; i < 10; i += 1) await receber(atB)
    await waitFor(async () => (await gate.registry.metrics()).includes('fluxo_avisos_circuitos{estado="open"} 1'))
    for (let i = 0; i < 20; i += 1) await receber(atB)
    // A failed attempt waits for 36 s at most: what is due later was given back untried.
    const heldRows = () => sql`select from aviso where vence_em > now() + interval '40 seconds'`
    await waitFor(async () => (await heldRows()).length > 0, {
      timeoutMs: 20_000,
      what: 'deliveries to be given back',
    })
    await waitFor(async () => {
      const [{ n } = { n: 0 }] = await sql<{ n: number }[]>`
      select sum(tentativas)::int as n from aviso where webhook_id = ${id}`
      return n === receiver.messages.length
    })
    expect(receiver.messages.length).toBeLessThanOrEqual(10)
    const page = (await (await atB(`/webhooks/${id}/deliveries`)).json()) as { itens: AvisoAnswer[] }
    const held = page.itens.find(({ held_reason }) => held_reason !== undefined)
    expect(held).toMatchObject({
      status: 'pending',
      held_since: expect.any(String),
      held_reason: `em pausa: o destino vem falhando (${failure})`,
    })
  },
)

test('what was given back for as long as all attempts take together is given up, and a redelivery begins anew', async () => {
  const names = await createNameServer(() => 'falha')
  try {
    const gate = await cluster.open('b', { allowsLoopback: true, pollMs: 20, restMs: 50, servers: names.servers })
    await node.close()
    const atB = await gate.askAs('loja')
    const { id } = await create({ url: 'https://loja.example/' }, atB)
    await receber(atB)
    const aviso = async (): Promise<AvisoAnswer | undefined> =>
      ((await (await atB(`/webhooks/${id}/deliveries`)).json()) as { itens: AvisoAnswer[] }).itens[0]
    await waitFor(() => names.questions.length >= 3, { what: 'the name to be asked for again and again' })
    expect(await aviso()).toMatchObject({ status: 'pending', held_reason: 'nome não resolvido', attempts: [] })
    await sql`update aviso set devolvido_em = devolvido_em - interval '36 hours'`
    await waitFor(async () => (await aviso())?.status === 'exhausted')
    const end = await aviso()
    expect(end?.attempts).toEqual([])
    expect(end?.held_reason).toContain('nome não resolvido')
    await waitFor(async () =>
      (await gate.registry.metrics()).includes('fluxo_avisos_tentativas_total{situacao="exhausted"} 1'),
    )
    const again = await atB(`/webhooks/${id}/deliveries/${end?.id}/redeliver`, { method: 'POST' })
    expect(again.status).toBe(202)
    await waitFor(
      async () => (await sql`select from aviso where devolvido_em > now() - interval '1 minute'`).length === 1,
    )
    expect(await aviso()).toMatchObject({ status: 'pending', attempts: [] })
  } finally {
    await names.close()
  }
})
