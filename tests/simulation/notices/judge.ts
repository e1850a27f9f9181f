import { hash } from 'node:crypto'
import { hookId, type NoticeRow, type WebhookRow } from './notices-state.ts'
import { urlOf } from './receivers.ts'
import type { World } from './world.ts'

/** What a delivery has come to, as the contract names it. */
const DELIVERED = 1
const SUCCESS = { from: 200, to: 300 }
/** The kinds of events that stand for all of the orders. */
const ALL = 'order.*'

/** Judges what was noted and what was sent, once everything is at rest. */
export function judge(world: World): void {
  judgeNumbers(world)
  const { notices, plan } = world
  for (const hook of plan.hooks) {
    const webhook = notices.webhooks.get(hookId(hook.id))
    // One that the restored database does not know is a webhook that its merchant has to ask for again.
    if (webhook !== undefined) judgeWebhook(world, webhook, urlOf(hook.id))
  }
  for (const { id, webhook_id, evento_id, vence_em } of notices.deliveries.values()) {
    if (vence_em !== null) world.model.complain(`delivery ${id} waits for ever`)
    if (!notices.notices.has(evento_id)) world.model.complain(`delivery ${id} to ${webhook_id} tells of nothing`)
  }
}

/** The numbers of a merchant's events have no gap, and each event is its own once. */
function judgeNumbers({ notices, orders, model }: World): void {
  for (const [merchant, rows] of Map.groupBy(notices.notices.values(), ({ comerciante_id }) => comerciante_id)) {
    const numbers = rows.map(({ seq }) => seq).toSorted((a, b) => a - b)
    if (numbers.some((seq, i) => seq !== i + 1)) model.complain(`${merchant} has the numbers ${numbers.join(' ')}`)
    const last = notices.listeners.get(merchant)?.ultimo
    if (last !== numbers.length) model.complain(`${merchant} counts to ${last} and has ${numbers.length} events`)
  }
  for (const { id, comerciante_id } of notices.notices.values()) {
    const event = orders.events.find((one) => one.id === id)
    if (event?.comerciante_id !== comerciante_id)
      model.complain(`${id} was noted for ${comerciante_id}, whose it is not`)
  }
}

/** Each event since the webhook is there was noted for it once, and sent under one id until its receiver had it. */
function judgeWebhook(
  { notices, orders, committed, model, servers, plan }: World,
  webhook: WebhookRow,
  url: string,
): void {
  const wasGone = plan.hooks.some(({ id, gone }) => hookId(id) === webhook.id && gone !== undefined)
  const sent = servers.receivers.messages.filter((message) => message.url === url)
  const since = webhook.criado_em
  for (const event of orders.events) {
    if (event.comerciante_id !== webhook.comerciante_id) continue
    const notice = notices.notices.get(event.id)
    const rows = [...notices.deliveries.values()].filter(
      (one) => one.webhook_id === webhook.id && one.evento_id === event.id,
    )
    const messages = sent.filter((message) => isAbout(message.body, event.id))
    const what = `${event.id.slice(-4)} to ${url.slice(-1)}`
    if (rows.length > 1) model.complain(`${what} was noted ${rows.length} times`)
    if (new Set(messages.map(({ id }) => id)).size > 1) model.complain(`${what} was sent under several ids`)
    if (messages.some(({ id }) => id !== messageId(webhook.id, event.id))) model.complain(`${what} has another's id`)
    if (messages.some(({ body }) => notice !== undefined && body !== notice.corpo))
      model.complain(`${what} was changed`)
    if (!isAskedFor(webhook, notice)) {
      if (rows.length > 0) model.complain(`${what} was noted, and nobody has asked for it`)
      continue
    }
    const told = messages.some(({ status }) => status >= SUCCESS.from && status < SUCCESS.to)
    if (rows[0]?.situacao === DELIVERED && !told) model.complain(`${what} is said to be delivered, and was not`)
    // What was recorded before a webhook is there is not caught up on.
    if ((wasGone ? event.created_at : (committed.get(event.id) ?? 0)) <= since) continue
    if (notice === undefined) model.complain(`${what} was never noted`)
    else if (rows.length === 0) model.complain(`${what} has no delivery`)
    else if (!told) model.complain(`${what} was never told`)
  }
}

/** Without its notice an event's kind is not known here: one that was noted for nobody was asked for by nobody, or is missed elsewhere. */
const isAskedFor = ({ eventos }: WebhookRow, notice: NoticeRow | undefined): boolean =>
  eventos === null || eventos.includes(ALL) || (notice !== undefined && eventos.includes(notice.tipo))

const isAbout = (body: string, event: string): boolean => JSON.parse(body).data.id === event

/** Under which a receiver knows an event again: made of webhook and event, whatever the database has forgotten. */
function messageId(webhook: string, event: string): string {
  const bytes = Buffer.from(hash('md5', `${webhook}${event}`), 'hex')
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  // The variant is `a`, not merely one of four.
  bytes.writeUInt8((bytes.readUInt8(8) & 0x0f) | 0xa0, 8)
  const digits = bytes.toString('hex')
  return `msg_${digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}`
}
