import type { Answer, Ask, Call } from './world.ts'

/** An order that a merchant receives, drawn from few values, so that two merchants often use the same ones. */
export type Order = {
  valor?: string | undefined
  referencia?: string | undefined
  chave?: string | undefined
}

/** What is known about a merchant's deliveries from outside: all that another one could try to use. */
export type DeliverySecrets = {
  pedidos: string[]
  webhooks: string[]
  deliveries: string[]
  eventos: string[]
  cursors: string[]
  deliveryCursors: string[]
  /** Tokens of public pages that are closed, and one that was never given. */
  closedTokens: string[]
  orders: readonly Order[]
  /** A word that stands in everything that it wrote. */
  canary: string
}

const JSON_TYPE = { 'content-type': 'application/json' }
const withChave = (chave: string | undefined) => (chave === undefined ? {} : { 'idempotency-key': chave })
const post = (operation: string, path: string, body: unknown, chave?: string): Call => ({
  operation: `POST ${operation}`,
  path,
  headers: { ...JSON_TYPE, ...withChave(chave) },
  body: JSON.stringify(body),
})

export const receive = ({ chave, ...fields }: Order, who: string): Call =>
  post('/orders', '/orders', { customer_name: who, address: `Rua ${who}, 1`, ...fields }, chave)
export const readOrder = (id: string, headers: Call['headers'] = {}): Call => ({
  operation: 'GET /orders/{id}',
  path: `/orders/${id}`,
  headers,
})
export const readHistory = (id: string, query = ''): Call => ({
  operation: 'GET /orders/{id}/events',
  path: `/orders/${id}/events${query}`,
})
export const listen = (id: string, headers: Call['headers'] = {}): Call => ({
  operation: 'GET /orders/{id}/stream',
  path: `/orders/${id}/stream`,
  headers,
})
export const list = (query = ''): Call => ({ operation: 'GET /orders', path: `/orders${query}` })
export const move = (id: string, fields: object, chave?: string): Call =>
  post('/orders/{id}/transitions', `/orders/${id}/transitions`, fields, chave)
export const cancel = (id: string, chave?: string): Call =>
  post('/orders/{id}/cancel', `/orders/${id}/cancel`, { note: 'não quer mais' }, chave)
export const inform = (id: string): Call =>
  post('/orders/{id}/carrier-events', `/orders/${id}/carrier-events`, {
    type: 'OEC',
    status: 0,
    occurred_at: '2025-10-15T11:00:00Z',
  })
export const importFile = (orders: readonly Order[], who: string): Call => ({
  operation: 'POST /orders/importacoes',
  path: '/orders/importacoes',
  headers: { 'content-type': 'text/csv' },
  body: `customer_name,address,referencia\n${orders
    .map(({ referencia = '' }, i) => `${who} ${i},"Rua ${who}, ${i}",${referencia}\n`)
    .join('')}`,
})
export const openPage = (id: string): Call => ({
  operation: 'POST /orders/{id}/tracking',
  path: `/orders/${id}/tracking`,
})
export const closePage = (id: string): Call => ({
  operation: 'DELETE /orders/{id}/tracking',
  path: `/orders/${id}/tracking`,
})
export const readPage = (token: string): Call => ({ operation: 'GET /track/{token}', path: `/track/${token}` })
export const listenToPage = (token: string): Call => ({
  operation: 'GET /track/{token}/stream',
  path: `/track/${token}/stream`,
})
export const createWebhook = (url: string, fields: object = {}): Call =>
  post('/webhooks', '/webhooks', { url, ...fields })
export const listWebhooks = (): Call => ({ operation: 'GET /webhooks', path: '/webhooks' })
export const readWebhook = (id: string): Call => ({ operation: 'GET /webhooks/{id}', path: `/webhooks/${id}` })
export const removeWebhook = (id: string): Call => ({ operation: 'DELETE /webhooks/{id}', path: `/webhooks/${id}` })
export const rotateSecret = (id: string): Call => ({
  operation: 'POST /webhooks/{id}/secret',
  path: `/webhooks/${id}/secret`,
})
export const resumeWebhook = (id: string): Call => ({
  operation: 'POST /webhooks/{id}/retomar',
  path: `/webhooks/${id}/retomar`,
})
export const testWebhook = (id: string): Call => ({
  operation: 'POST /webhooks/{id}/test',
  path: `/webhooks/${id}/test`,
})
export const readDeliveries = (id: string, query = ''): Call => ({
  operation: 'GET /webhooks/{id}/deliveries',
  path: `/webhooks/${id}/deliveries${query}`,
})
export const redeliver = (id: string, delivery: string): Call => ({
  operation: 'POST /webhooks/{id}/deliveries/{d}/redeliver',
  path: `/webhooks/${id}/deliveries/${delivery}/redeliver`,
})
/** Where it has a webhook, its orders are told here, too. */
export const listenToAll = (): Call => ({
  operation: 'GET /avisos/stream',
  path: '/avisos/stream?eventos=order.*',
  headers: { 'last-event-id': '0' },
})
export const readLog = (query = ''): Call => ({
  operation: 'GET /entregas/eventos',
  path: `/entregas/eventos${query}`,
})

/** Everything that a merchant sees of its own deliveries; of webhooks, which there are and what they were told. */
export const holdings = async (ask: Ask, { pedidos, webhooks }: DeliverySecrets): Promise<unknown> => {
  const answers: Answer[] = [await ask(list('?limite=200')), await ask(listWebhooks())]
  for (const id of pedidos) answers.push(await ask(readHistory(id)))
  const counted: Set<string>[] = []
  for (const id of webhooks) {
    const { itens: items } = JSON.parse((await ask(readDeliveries(id, '?limite=200'))).body) as {
      itens: { id: string }[]
    }
    counted.push(new Set(items.map((delivery) => delivery.id)))
  }
  return [answers.map(({ status, body }) => ({ status, body })), counted]
}

/** Lives: receives, imports, moves, opens pages and webhooks; gives what another merchant could try to use of it. */
export const live = async (
  ask: Ask,
  { orders, canary, url }: { orders: readonly Order[]; canary: string; url: string },
): Promise<DeliverySecrets> => {
  const read = async <T>(call: Call): Promise<T> => JSON.parse((await ask(call)).body) as T
  const { id: webhook } = await read<{ id: string }>(createWebhook(`${url}?${canary}`))
  const { id: probe } = await read<{ id: string }>(testWebhook(webhook))
  for (const order of orders) await ask(receive(order, canary))
  // Two more at least, so that there is a second page.
  for (const chave of ['sinal-1', 'sinal-2']) await ask(receive({ chave, valor: '3.14' }, canary))
  await ask(importFile(orders, canary))
  const pedidos = (await read<{ itens: { id: string }[] }>(list('?limite=200'))).itens.map(({ id }) => id)
  const [one = '', other = ''] = pedidos
  await ask(move(one, { status: 'IN_TRANSIT', note: canary, location: canary }, 'm1'))
  await ask(cancel(other, 'c1'))
  const { token } = await read<{ token: string }>(openPage(one))
  await ask(closePage(one))
  await ask(openPage(one))
  const eventos = await read<{ id: string }[]>(readHistory(one))
  const page = await read<{ proximo: string }>(list('?limite=1'))
  const deliveries = await read<{ itens: { id: string }[]; proximo: string }>(readDeliveries(webhook, '?limite=1'))
  return {
    pedidos,
    webhooks: [webhook],
    deliveries: [probe, ...deliveries.itens.map(({ id }) => id)],
    eventos: eventos.map(({ id }) => id),
    cursors: [page.proximo],
    deliveryCursors: [deliveries.proximo],
    closedTokens: [token, 'A'.repeat(32), one, token.toLowerCase()],
    orders,
    canary,
  }
}
