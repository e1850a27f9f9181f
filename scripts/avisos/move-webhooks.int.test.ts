import { createHash, randomUUID } from 'node:crypto'
import { createLease } from '@fluxo/shared/postgres/lease'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { type Ask, SILENT } from '@fluxo/tests/stage/doors'
import { mover, receber } from '@fluxo/tests/stage/orders'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Cluster, createCluster, type Instance } from '../../apps/avisos/test/cluster.ts'
import { createReceiver, type WebhookReceiver } from '../../apps/avisos/test/receiver.ts'
import { isSignedWith } from '../../apps/avisos/test/webhook-stage.ts'
import { moveWebhooks } from './move-webhooks.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const DELIVERED = 1
const PENDING = 0

let cluster: Cluster
let receiver: WebhookReceiver
/** The services' own roles. */
let entregas: Sql
let avisos: Sql
let node: Instance
let ask: Ask
beforeEach(async () => {
  cluster = await createCluster()
  receiver = await createReceiver()
  entregas = createSql({ url: cluster.orders.appUrl, max: 1, name: 'teste' })
  avisos = createSql({ url: cluster.database.appUrl, max: 1, name: 'teste' })
  node = await cluster.open('a')
  ask = await node.askAs('loja')
})
afterEach(async () => {
  await Promise.all([closeSql(entregas), closeSql(avisos)])
  await cluster.close()
  await receiver.close()
})

/** As the version before made it: of webhook and event, as a UUID of version 8. */
const avisoId = (webhook: string, event: string): string => {
  const hex = createHash('md5')
    .update(webhook + event)
    .digest('hex')
  const text = `${hex.slice(0, 12)}8${hex.slice(13, 16)}a${hex.slice(17)}`
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

type Event = { id: string; posicao: string }
const eventsOf = () => entregas<Event[]>`select id, posicao::text as posicao from evento order by evento.posicao`

/** A webhook as entregas kept it, which was told of all events so far but the last, and was about to send that. */
const oldWebhook = async (): Promise<{ id: string; events: Event[] }> => {
  const id = randomUUID()
  await entregas`insert into webhook (id, comerciante_id, url, segredo, desde, criado_em, vaga)
    values (${id}, 'loja', ${receiver.url}, ${SECRET}, 0, now() - interval '2 days', 1)`
  const events = await eventsOf()
  for (const [i, event] of events.entries()) {
    const done = i < events.length - 1
    await entregas`insert into aviso (id, webhook_id, evento_id, tipo, particao, posicao, situacao, vence_em, tentativas)
      values (${avisoId(id, event.id)}, ${id}, ${event.id}, 'pedido.recebido.v1', 0, ${event.posicao}::text::bigint,
        ${done ? DELIVERED : PENDING}, ${done ? null : new Date()}, ${done ? 1 : 0})`
    if (done)
      await entregas`insert into aviso_tentativa (aviso_id, tentativa, em, duracao_ms, status, resposta)
        values (${avisoId(id, event.id)}, 1, now(), 12, 204, 'obrigado')`
  }
  const [state] = await entregas<{ epoca: string }[]>`select epoca from log_estado`
  const last = events.at(-1)
  await entregas`insert into inbox_avisos (particao, aplicada_ate, epoca, ultima_posicao, ultimo_id)
    values (0, ${last?.posicao ?? '0'}::text::bigint, ${state?.epoca ?? ''}::text::uuid, ${last?.posicao ?? '0'}::text::bigint, ${last?.id ?? ''}::text::uuid)`
  return { id, events }
}
const readAll = async () => {
  const head = (await eventsOf()).at(-1)?.posicao
  const read = () => avisos`select from inbox_pedidos where aplicada_ate = ${head ?? ''}::text::bigint`
  await waitFor(async () => (await read()).length === 1, { what: `position ${head}` })
}
const allDone = () =>
  waitFor(async () => (await avisos`select from aviso where vence_em is not null`).length === 0, {
    what: 'every delivery',
  })

/** The pool, before each of whose statements avisos has read on as far as the log goes. */
const readingOn = () =>
  new Proxy(avisos, {
    apply: (target, self, args) => readAll().then(() => Reflect.apply(target, self, args)),
    get: (target, name) =>
      name === 'unsafe'
        ? (...args: [string]) => readAll().then(() => target.unsafe(...args))
        : Reflect.get(target, name),
  })

test.each([
  ['has read on without them', true],
  ['reads the log from its beginning', false],
])(
  'what was told is not told again, what was not is, under its old id and with its old words, where avisos %s',
  async (_, hasRead) => {
    for (let i = 0; i < 5; i += 1)
      await mover(ask, await receber(ask, { valor: '8.00' }), 'SEPARATED', { note: `é ${i}` })
    const { id, events } = await oldWebhook()
    // After entregas has left its webhooks, avisos reads on with nobody to tell; the merchant makes another webhook.
    const pedido = await receber(ask)
    await mover(ask, pedido, 'IN_TRANSIT')
    await readAll()
    const other = (await (
      await ask('/webhooks', {
        method: 'POST',
        body: JSON.stringify({ url: receiver.at('127.0.0.1', '/nova') }),
        headers: { 'content-type': 'application/json' },
      })
    ).json()) as { id: string }

    if (!hasRead)
      await avisos`update inbox_pedidos set aplicada_ate = 0, adiante = '{}', ultima_posicao = 0, ultimo_id = null`
    expect(await moveWebhooks({ entregas, avisos: hasRead ? readingOn() : avisos }, 3)).toEqual({
      webhooks: 1,
      deliveries: events.length,
    })
    await readAll()
    await allDone()
    const missed = (await eventsOf()).slice(events.length - 1)
    expect(missed).toHaveLength(3)
    const told = receiver.messages.filter(({ path }) => path === '/avisos')
    expect(new Set(told.map((message) => message.id))).toEqual(
      new Set(missed.map((event) => `msg_${avisoId(id, event.id)}`)),
    )
    expect(told).toHaveLength(3)
    for (const message of told) expect(isSignedWith(SECRET, message)).toBe(true)
    const words = told.map(({ body }) => (JSON.parse(body) as { data: { order_id: string } }).data)
    const history = (await (await ask(`/orders/${pedido}/events`)).json()) as object[]
    expect(words.filter(({ order_id: of }) => of === pedido)).toEqual(expect.arrayContaining(history))

    // The log of deliveries has come along, with its attempts, and an old one may be sent once more.
    const page = (await (await ask(`/webhooks/${id}/deliveries?limite=200`)).json()) as {
      itens: { id: string; attempts: { response?: string }[] }[]
    }
    expect(page.itens).toHaveLength(events.length + 2)
    const first = page.itens.find((one) => one.id === `msg_${avisoId(id, events[0]?.id ?? '')}`)
    expect(first?.attempts).toMatchObject([{ status: 204, response: 'obrigado' }])
    expect((await ask(`/webhooks/${id}/deliveries/${first?.id}/redeliver`, { method: 'POST' })).status).toBe(202)
    await waitFor(() => receiver.messages.some((message) => message.id === first?.id))
    // The webhook that was made meanwhile goes on beside it, in a place of its own.
    await receber(ask)
    await waitFor(() => receiver.messages.filter(({ path }) => path === '/nova').length >= 1)
    expect(await avisos`select vaga::int from webhook order by vaga`).toEqual([{ vaga: 1 }, { vaga: 2 }])
    expect(other.id).not.toBe(id)
  },
)

test('interrupted anywhere and repeated, it moves everything once and tells nothing twice', async () => {
  for (let i = 0; i < 7; i += 1) await receber(ask)
  const { id, events } = await oldWebhook()
  await receber(ask)
  await readAll()
  for (let statements = 0, moved = false; !moved; statements += 1) {
    let left = statements
    const cut = <T>(target: T) => {
      if (left === 0) throw new Error('cut')
      left -= 1
      return target
    }
    const cutting = new Proxy(avisos, {
      apply: (target, self, args) => Reflect.apply(cut(target), self, args),
      get: (target, name) => (name === 'unsafe' ? cut(target).unsafe.bind(target) : Reflect.get(target, name)),
    })
    moved = await moveWebhooks({ entregas, avisos: cutting }, 2).then(
      () => true,
      (error: Error) => {
        expect(error.message).toBe('cut')
        return false
      },
    )
    await readAll()
  }
  await allDone()
  const ids = receiver.messages.map((message) => message.id)
  const missed = (await eventsOf()).slice(events.length - 1)
  expect(ids.toSorted()).toEqual(missed.map((event) => `msg_${avisoId(id, event.id)}`).toSorted())
  expect(await moveWebhooks({ entregas, avisos })).toEqual({ webhooks: 0, deliveries: 0 })
  await readAll()
  await allDone()
  expect(receiver.messages).toHaveLength(missed.length)
  expect(await avisos`select count(*)::int as n from aviso_tentativa where resposta = 'obrigado'`).toEqual([{ n: 6 }])
})

test('as long as an entregas sends by itself, nothing is moved', async () => {
  await receber(ask)
  await oldWebhook()
  const lease = createLease({ url: cluster.orders.appUrl, key: [LOCKS.repair, 1], name: 'reparo avisos', log: SILENT })
  void lease.whileHeld((signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())))
  await waitFor(() => lease.held())
  await expect(moveWebhooks({ entregas, avisos })).rejects.toThrow('still runs')
  expect(await avisos`select from webhook`).toEqual([])
  await lease.stop()
  await waitFor(async () => (await moveWebhooks({ entregas, avisos }).catch(() => undefined))?.webhooks === 1)
})
