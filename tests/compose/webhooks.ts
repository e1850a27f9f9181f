import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { waitFor } from '../stage/wait-for.ts'
import { type Client, JSON_BODY } from './client.ts'
import type { Orders } from './orders.ts'
import type { Report } from './report.ts'
import type { Stack } from './stack.ts'
import { follow } from './streams.ts'

/** The receiver of receiver.yml, as merchants name it; its other name resolves into the stack. */
const RECEIVER = 'https://avisos.exemplo.com.br:8443'
const INSIDE = 'https://interno.exemplo.com.br:8443'
/** Refused by their text. */
const REFUSED = [
  'http://avisos.exemplo.com.br:8443/',
  'https://lancamentos:3001/eventos',
  'https://redis:6379/',
  'https://127.0.0.1/',
  'https://2130706433/',
  'https://[::1]/',
  'https://[::ffff:10.0.0.1]/',
  'https://169.254.169.254/latest/meta-data/',
  'https://172.17.0.1:8443/',
  'https://metadata.google.internal/',
]
const TOLD_WITHIN_MS = 90_000
/** RECEIVED, IN_TRANSIT, DELIVERED: what the automatic flow makes of an order. */
const EVENTS_OF_AN_ORDER = 3

const WebhookSchema = z.object({ id: z.uuid(), secret: z.string() })
const DeliveriesSchema = z.object({
  itens: z.array(
    z.object({
      status: z.string(),
      attempts: z.array(z.object({ status: z.int().optional(), error: z.string().optional() })),
    }),
  ),
})
const ReceivedSchema = z.object({
  host: z.string(),
  path: z.string(),
  id: z.string(),
  timestamp: z.string(),
  signature: z.string(),
  body: z.string(),
})
type Received = z.infer<typeof ReceivedSchema>
const EventSchema = z.object({ data: z.object({ order_id: z.string(), seq: z.number() }) })
const ToldSchema = z.object({ type: z.string(), data: z.looseObject({}) })
const typeOf = (body: string): string => ToldSchema.parse(JSON.parse(body)).type

type Deps = { stack: Stack; client: Client; report: Report; token: string }

/** What reached the receiver, by whichever of its names. */
const received = async (stack: Stack): Promise<Received[]> =>
  (await stack.compose('logs', '--no-log-prefix', 'destino'))
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => ReceivedSchema.parse(JSON.parse(line)))

export const createWebhook = async (client: Client, token: string, url: string, events?: readonly string[]) => {
  const body = JSON.stringify({ url, events })
  const answer = await client.send('POST', '/webhooks', { token, headers: JSON_BODY, body })
  if (answer.status !== 201) throw new Error(`POST /webhooks of ${url}: ${answer.status} ${answer.text}`)
  return WebhookSchema.parse(JSON.parse(answer.text))
}

const isSigned = ({ id, timestamp, signature, body }: Received, secret: string): boolean => {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const hash = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return signature.split(' ').includes(`v1,${hash}`)
}

/** Webhooks leave the stack to public addresses only: not by an address, a name that resolves inwards, or a redirect. */
export const checkWebhooks = async ({ stack, client, report, token }: Deps): Promise<void> => {
  const { check } = report
  for (const url of REFUSED) {
    const { status } = await client.send('POST', '/webhooks', {
      token,
      headers: JSON_BODY,
      body: JSON.stringify({ url }),
    })
    check(`a webhook to ${url} is refused`, status === 422, String(status))
  }
  /** A test of the webhook, once its first attempt is in the log of deliveries. */
  const attemptOf = async (id: string) => {
    await client.send('POST', `/webhooks/${id}/test`, { token })
    const read = async () => {
      const { text } = await client.send('GET', `/webhooks/${id}/deliveries`, { token })
      return DeliveriesSchema.parse(JSON.parse(text)).itens[0]
    }
    await waitFor(async () => ((await read())?.attempts.length ?? 0) > 0, { timeoutMs: 30_000, what: 'an attempt' })
    return read()
  }
  const good = await createWebhook(client, token, `${RECEIVER}/bom`)
  const delivered = await attemptOf(good.id)
  check('a webhook to a public address is delivered', delivered?.status === 'delivered', JSON.stringify(delivered))
  // Beside it, orders of before may still be on their way.
  const isTest = ({ path, body }: Received) => path === '/bom' && typeOf(body) === 'webhook.teste'
  const arrived = (await received(stack)).filter(isTest)
  const signed = arrived.length === 1 && arrived.every((one) => isSigned(one, good.secret))
  check('it arrives once, and its signature is right', signed, `${arrived.length} arrived`)

  const inwards = await attemptOf((await createWebhook(client, token, `${INSIDE}/dentro`)).id)
  const redirected = await attemptOf((await createWebhook(client, token, `${RECEIVER}/desvio`)).id)
  const error = inwards?.attempts[0]?.error ?? ''
  check('a name that resolves into the stack is not connected to', error.includes('não é público'), error)
  check('a redirect is not followed', redirected?.attempts[0]?.status === 302, JSON.stringify(redirected?.attempts))
  const inside = (await received(stack)).filter(({ host }) => host.startsWith('interno'))
  check('nothing arrived within the stack', inside.length === 0, `${inside.length} requests`)
}

/** An entry is told, and the day that it changed: by both logs, and by what the consolidado says of the day. On a stream too, at once. */
export const checkBooksTold = async ({ stack, client, report, token }: Deps): Promise<void> => {
  const { check } = report
  await createWebhook(client, token, `${RECEIVER}/livro`, ['lancamento.*', 'consolidado.*'])
  const live = follow(stack.url, '/avisos/stream?eventos=lancamento.*,consolidado.*', token)
  const answer = await client.send('POST', '/lancamentos', {
    ...{ token, headers: JSON_BODY },
    body: '{"valor":12.34,"tipo":"CREDITO","descricao":"Venda","data":"2025-06-01"}',
  })
  const told = async () =>
    (await received(stack))
      .filter(({ path }) => path === '/livro')
      .map(({ body }) => ToldSchema.parse(JSON.parse(body)))
  const types = async () => new Set((await told()).map(({ type }) => type))
  await waitFor(async () => (await types()).size === 2 && live.told.length >= 2, { timeoutMs: 30_000 }).catch(() => {})
  await live.stop()
  const all = await told()
  const day = all.find(({ type }) => type === 'consolidado.dia_alterado')?.data
  const right = day?.['saldo_final'] === 12.34 && day['quantidade'] === 1
  check('an entry and its day are told', answer.status === 201 && all.length === 2 && right, JSON.stringify(all))
  check('a stream tells them too', live.told.length === 2, `${live.told.length} told, ${live.refusals.join(', ')}`)
}

/** Each event of each order of a merchant reached the webhook at least once, whichever instances were killed meanwhile. */
export const checkTold = async (
  { stack, report, orders }: Omit<Deps, 'client' | 'token'> & { orders: Orders },
  { merchant, path }: { merchant: string; path: string },
): Promise<void> => {
  const wanted = orders.idsOf(merchant).length * EVENTS_OF_AN_ORDER
  const mine = new Set(orders.idsOf(merchant))
  let [ids, events] = [new Set<string>(), new Set<string>()]
  let total = 0
  const all = async () => {
    const lines = (await received(stack)).filter((one) => one.path === path)
    total = lines.length
    ids = new Set(lines.map(({ id }) => id))
    const told = lines.map(({ body }) => EventSchema.parse(JSON.parse(body)).data)
    events = new Set(told.filter((one) => mine.has(one.order_id)).map((one) => `${one.order_id} ${one.seq}`))
    return events.size === wanted
  }
  await waitFor(all, { timeoutMs: TOLD_WITHIN_MS, intervalMs: 1_000 }).catch(() => undefined)
  const figures = `${events.size} of ${wanted} events of ${mine.size} orders, ${total - ids.size} told again under their id`
  report.check(
    'every event reached its webhook',
    wanted > 0 && events.size === wanted && ids.size === events.size,
    figures,
  )
}

export const LOAD_WEBHOOK = { url: `${RECEIVER}/carga`, path: '/carga' }
