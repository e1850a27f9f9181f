import {
  cancel,
  closePage,
  createWebhook,
  type DeliverySecrets,
  importFile,
  inform,
  list,
  listen,
  listenToAll,
  listenToPage,
  listWebhooks,
  move,
  openPage,
  readDeliveries,
  readHistory,
  readLog,
  readOrder,
  readPage,
  readWebhook,
  receive,
  redeliver,
  removeWebhook,
  resumeWebhook,
  rotateSecret,
  testWebhook,
} from './deliveries-merchant.ts'
import type { Call } from './world.ts'

/** A valid id that was never given. */
const NEVER_GIVEN = '01a00000-0000-7000-8000-000000000000'
const withStatus = (expected: number, call: Call): Call => ({ ...call, expected })
const asNotFound = (call: Call): Call => withStatus(404, call)

/** What a merchant has of its own before it tries anything: an order, its page, a webhook, a delivery. */
export const ownCalls = (author: string, url: string): Call[] => [
  withStatus(201, receive({ chave: 'minha', referencia: 'minha' }, author)),
  withStatus(201, createWebhook(url)),
  withStatus(202, testWebhook('~webhook')),
  withStatus(201, openPage('~pedido')),
]

/**
 * Everything that one merchant can try with another's secrets, at every operation: the same values are sent in the world where they
 * mean something and in the one where they mean nothing. `~pedido`, `~webhook`, `~entrega` and `~token` are its own.
 */
export const attempts = (target: DeliverySecrets, author: string): Call[] => [
  ...byOrder(target),
  ...byWebhook(target),
  ...byCursor(target),
  ...byContent(target, author),
  ...byToken(target),
  ...['', '?particao=0', '?particao=1&depois_de=0&limite=1'].map((query) => withStatus(403, readLog(query))),
  // Its own, last: all of it is as if nobody else were there.
  withStatus(200, readOrder('~pedido', { 'if-none-match': '"1", W/"2", *' })),
  withStatus(200, readHistory('~pedido')),
  withStatus(200, listen('~pedido')),
  withStatus(200, readPage('~token')),
  withStatus(200, listenToPage('~token')),
  withStatus(200, listWebhooks()),
  withStatus(200, listenToAll()),
  withStatus(200, readWebhook('~webhook')),
  withStatus(200, rotateSecret('~webhook')),
  withStatus(200, resumeWebhook('~webhook')),
  withStatus(200, readDeliveries('~webhook', '?limite=200')),
  withStatus(202, redeliver('~webhook', '~entrega')),
  withStatus(204, closePage('~pedido')),
  list('?limite=200'),
  withStatus(204, removeWebhook('~webhook')),
]

const byOrder = ({ pedidos, eventos }: DeliverySecrets): Call[] => [
  ...[...pedidos, ...eventos, NEVER_GIVEN].map((id) => asNotFound(readOrder(id))),
  ...pedidos
    .slice(0, 3)
    .flatMap((id) => [
      asNotFound(readOrder(id.toUpperCase())),
      asNotFound(readHistory(id)),
      asNotFound(readHistory(id, '?after=1')),
      asNotFound(listen(id)),
      asNotFound(listen(id, { 'last-event-id': '1' })),
      asNotFound(move(id, { status: 'IN_TRANSIT' })),
      asNotFound(move(id, { status: 'DELIVERED', version: 1 }, 'm1')),
      asNotFound(cancel(id)),
      asNotFound(cancel(id, 'cx')),
      asNotFound(inform(id)),
      asNotFound(openPage(id)),
      asNotFound(closePage(id)),
    ]),
]

const byWebhook = ({ webhooks, deliveries }: DeliverySecrets): Call[] => [
  ...[...webhooks, NEVER_GIVEN].flatMap((id) => [
    asNotFound(readWebhook(id)),
    asNotFound(rotateSecret(id)),
    asNotFound(testWebhook(id)),
    asNotFound(resumeWebhook(id)),
    asNotFound(readDeliveries(id)),
    asNotFound(removeWebhook(id)),
    ...deliveries.map((delivery) => asNotFound(redeliver(id, delivery))),
  ]),
  // Another one's delivery is none of an own webhook's.
  ...deliveries.map((delivery) => asNotFound(redeliver('~webhook', delivery))),
]

const byCursor = ({ cursors, deliveryCursors, orders }: DeliverySecrets): Call[] => [
  ...cursors.map((cursor) => withStatus(400, list(`?cursor=${cursor}`))),
  ...[...cursors, ...deliveryCursors].map((cursor) => withStatus(400, readDeliveries('~webhook', `?cursor=${cursor}`))),
  ...orders.flatMap(({ referencia }) =>
    referencia === undefined ? [] : [list(`?referencia=${encodeURIComponent(referencia)}`)],
  ),
  ...['RECEIVED', 'IN_TRANSIT', 'CANCELLED'].map((status) => list(`?status=${status}`)),
]

/** Writes with the same keys, `referencia` and files: each is the first of its kind for who sends it now. */
const byContent = ({ orders, canary }: DeliverySecrets, author: string): Call[] => [
  ...orders.slice(0, 2).map((order) => receive(order, canary)),
  withStatus(201, receive({ chave: 'sinal-1', valor: '3.14' }, canary)),
  withStatus(201, receive({ chave: 'sinal-2', valor: '9.99' }, author)),
  ...orders.slice(0, 2).map(({ referencia }) => receive({ referencia }, author)),
  importFile(orders, canary),
  importFile([{}, ...orders], author),
  // The keys under which the other one moved and cancelled do both here for the first time.
  withStatus(200, move('~pedido', { status: 'SEPARATED' }, 'm1')),
  withStatus(200, inform('~pedido')),
  withStatus(200, cancel('~pedido', 'c1')),
]

const byToken = ({ closedTokens }: DeliverySecrets): Call[] =>
  closedTokens.flatMap((token) => [asNotFound(readPage(token)), asNotFound(listenToPage(token))])
