import { dayInSaoPaulo } from '@fluxo/shared/day'
import { z } from 'zod'
import { waitFor } from '../stage/wait-for.ts'
import { type Answer, type Client, createClient, JSON_BODY } from './client.ts'
import type { Report } from './report.ts'

/** Two steps of a second each, on a loaded machine. */
const DELIVERED_WITHIN_MS = 30_000
const CSV_ROWS = 500
const LARGE_BYTES = 200_000
const CUSTOMER = 'Conceição <b>Lima</b>'

const OrderSchema = z.object({ id: z.uuid(), status: z.string(), customer_name: z.string() })
const EventsSchema = z.array(z.object({ seq: z.int(), status: z.string(), occurred_at: z.string() }))
const TrackingSchema = z.object({ url: z.string() })
const ImportSchema = z.object({ criados: z.int(), repetidos: z.int() })
const DaySchema = z.object({ total_creditos: z.number(), quantidade: z.number() })

type Deps = { client: Client; report: Report; token: string }

const parse = <T>(schema: z.ZodType<T>, { text }: Answer): T => schema.parse(JSON.parse(text))

/** What a merchant does with orders, through nginx: from the order to the money in the day's balance. */
export const checkDeliveries = async (deps: Deps): Promise<void> => {
  const { client, token } = deps
  const { check } = deps.report
  const body = JSON.stringify({ customer_name: CUSTOMER, address: 'Rua das Flores, 10', valor: 99.9 })
  const headers = { ...JSON_BODY, 'idempotency-key': 'pedido-1' }
  const create = () => client.send('POST', '/orders', { token, headers, body })
  const began = performance.now()
  const first = await create()
  const { id, status } = parse(OrderSchema, first)
  check('an order is received', first.status === 201 && status === 'RECEIVED', first.headers.location)
  const again = await create()
  check('the same key gives the same order', again.status === 201 && again.text === first.text)

  const get = async (path: string) => client.send('GET', path, { token })
  const isDelivered = async () => parse(OrderSchema, await get(`/orders/${id}`)).status === 'DELIVERED'
  await waitFor(isDelivered, { timeoutMs: DELIVERED_WITHIN_MS, what: 'the order to be delivered' })
  const events = parse(EventsSchema, await get(`/orders/${id}/events`))
  const way = events.map((event) => event.status).join(' ')
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  check('it is delivered without a hand', way === 'RECEIVED IN_TRANSIT DELIVERED', `${way}, ${seconds} s`)
  const back = await client.send('POST', `/orders/${id}/transitions`, {
    token,
    headers: JSON_BODY,
    body: '{"status":"SEPARATED"}',
  })
  check(
    'an illegal transition is 409 and names what is allowed',
    back.status === 409 && back.text.includes('permitidas'),
  )

  const day = dayInSaoPaulo(new Date(events.at(-1)?.occurred_at ?? 0))
  const balance = async () => parse(DaySchema, await get(`/consolidado/${day}`))
  const isPaid = async () => (await balance()).total_creditos === 99.9
  await waitFor(isPaid, { timeoutMs: DELIVERED_WITHIN_MS, what: 'the money of the order' }).catch(() => undefined)
  const { total_creditos: total, quantidade } = await balance()
  check('its money is in the balance of the day, once', total === 99.9 && quantidade === 1, `${day}: ${total}`)
  await checkTracking(deps, id)
  await checkImport(deps)
}

/** The public page: nothing of the customer, its own policy, and gone once it is revoked. */
const checkTracking = async ({ client, report, token }: Deps, id: string): Promise<void> => {
  const { check } = report
  const { url } = parse(TrackingSchema, await client.send('POST', `/orders/${id}/tracking`, { token }))
  const page = await client.send('GET', url)
  const isPage = page.status === 200 && String(page.headers['content-type']).startsWith('text/html')
  check('the tracking page needs no token', isPage && !page.text.includes('Lima') && !page.text.includes('Flores'))
  const policy = String(page.headers['content-security-policy'])
  check('it brings its own policy', policy.includes("script-src 'self'") && page.headers['x-robots-tag'] !== undefined)
  const files = [...page.text.matchAll(/(?:src|href)="(\/rastreio\/[^"]+)"/g)].map(([, path = '']) => path)
  const loaded = await Promise.all(files.map((path) => client.send('GET', path)))
  check('its files are there', files.length > 0 && loaded.every((file) => file.status === 200), files.join(', '))
  const wrong = await client.send('GET', `${url.slice(0, -1)}${url.endsWith('A') ? 'B' : 'A'}`)
  check(
    'another token opens nothing',
    wrong.status === 404 && String(wrong.headers['content-type']).startsWith('application/problem+json'),
  )
  await client.send('DELETE', `/orders/${id}/tracking`, { token })
  check('a revoked one opens nothing', (await client.send('GET', url)).status === 404)
}

const checkImport = async ({ client, report, token }: Deps): Promise<void> => {
  const row = (n: number) => `Cliente ${n};Rua ${n};;import-${n}`
  const csv = [
    'customer_name;address;valor;referencia',
    ...Array.from({ length: CSV_ROWS }, (_, n) => row(n)),
    '',
  ].join('\n')
  const send = () =>
    client.send('POST', '/orders/importacoes', { token, body: csv, headers: { 'content-type': 'text/csv' } })
  const first = parse(ImportSchema, await send())
  const second = parse(ImportSchema, await send())
  const once = first.criados === CSV_ROWS && second.criados === 0 && second.repetidos === CSV_ROWS
  report.check('orders are imported once', once, `${JSON.stringify(first)}, then ${JSON.stringify(second)}`)
}

/** What is wrong with a request for entregas is answered as everywhere: with a problem document. */
export const checkDeliveryRefusals = async (deps: { url: string; report: Report; token: string }): Promise<void> => {
  const { url, report, token } = deps
  // Its own: nginx closes a connection on which a large body was refused half-way.
  const client = createClient(url)
  const order = (body: string | Buffer, headers: Record<string, string> = JSON_BODY) =>
    client.send('POST', '/orders', { token, headers, body })
  const nobody = '/orders/0198aaaa-0000-7000-8000-000000000000'
  const cases: readonly [what: string, status: number, answer: Promise<Answer>][] = [
    ['an order without a token', 401, client.send('POST', '/orders', { headers: JSON_BODY, body: '{}' })],
    ['an order with a forged token', 401, client.send('GET', '/orders', { token: 'eyJhbGciOiJub25lIn0.e30.' })],
    ['an order that is no JSON', 400, order('{')],
    ['an order without an address', 422, order('{"customer_name":"Ana"}')],
    ['an order of text', 415, order('x', { 'content-type': 'text/plain' })],
    ['an order over 64 KiB', 413, order(' '.repeat(LARGE_BYTES))],
    ['nobody’s order', 404, client.send('GET', nobody, { token })],
    ['nobody’s stream', 404, client.send('GET', `${nobody}/stream`, { token })],
    ['a stream without a token', 401, client.send('GET', `${nobody}/stream`)],
    ['a stream of another method', 405, client.send('POST', `${nobody}/stream`, { token })],
    ['a public stream of no token', 404, client.send('GET', '/track/abc/stream')],
    ['a webhook that is no JSON', 400, client.send('POST', '/webhooks', { token, headers: JSON_BODY, body: '[' })],
    ['an unknown file of the page', 404, client.send('GET', '/rastreio/../metrics')],
    [
      'a large import of orders with a wrong token',
      401,
      client.send('POST', '/orders/importacoes', {
        token: 'x.y.z',
        headers: { 'content-type': 'text/csv' },
        body: 'x;y\n'.repeat(LARGE_BYTES),
      }),
    ],
  ]
  for (const [what, status, pending] of cases) {
    const answer = await pending.catch((error: Error): Answer => ({ status: 0, headers: {}, text: error.message }))
    const isProblem = answer.headers['content-type'] === 'application/problem+json'
    const found = answer.status === status && isProblem ? '' : `${answer.status} ${answer.text.slice(0, 150)}`
    report.check(`${what} is ${status} and a problem document`, found === '', found)
  }
  client.close()
}
