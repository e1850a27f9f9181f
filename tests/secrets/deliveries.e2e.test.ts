import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { signToken } from '@fluxo/shared/http/tokens'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Listening, listen } from '../stage/listen.ts'
import { waitFor } from '../stage/wait-for.ts'
import { found } from './canaries.ts'
import { startTalkative, type Talkative } from './system.ts'

const canary = (what: string): string => `CANARIO-${what}-${randomBytes(12).toString('hex')}`
/** What runs the service, and what a merchant says of its customers. */
const planted = {
  jwtSecret: canary('jwt'),
  password: canary('senha-entregas'),
  toldPassword: canary('senha-avisos'),
  redisPassword: canary('senha-redis'),
  customer: canary('cliente'),
  address: canary('endereco'),
  note: canary('nota'),
  location: canary('local'),
  referencia: canary('referencia'),
  chave: canary('chave'),
  query: canary('query'),
  body: canary('corpo'),
  callback: canary('callback'),
}
/** Those, and the webhook secrets and page tokens that the service made. */
const secrets: Record<string, string> = { ...planted }
/** Answers other than the one that tells a secret, with what was asked. */
const answers: { url: string; text: string }[] = []

let receiver: Listening
const told: string[] = []
let system: Talkative
beforeAll(async () => {
  receiver = await listen((request, response) => {
    told.push(request.url ?? '')
    // A receiver that is angry, and says why in the merchant's own words.
    request.resume().on('end', () => response.writeHead(told.length % 2 ? 500 : 204).end(planted.body))
  })
  const { jwtSecret: jwt, redisPassword, password, toldPassword } = planted
  system = await startTalkative({
    entregas: 1,
    avisos: 1,
    env: { ENTREGAS_ATRASO_MS: '10', AVISOS_LOOPBACK: 'true' },
    secrets: { jwt, redis: redisPassword, databases: { entregas: password, avisos: toldPassword } },
  })
  const scopes = ['entregas:escrever', 'entregas:ler']
  secrets['token'] = await signToken({ secret: jwt, comercianteId: 'loja-canario', scopes, expiresInSeconds: 600 })
})
afterAll(async () => {
  await receiver.stop()
  await system?.stop()
})

const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
  const answer = await fetch(system.url(path.startsWith('/webhooks') ? 'avisos' : 'entregas') + path, {
    method,
    headers: { authorization: `Bearer ${secrets['token']}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const stream = answer.headers.get('content-type')?.startsWith('text/event-stream') === true
  const text = stream ? '' : await answer.text()
  if (stream) await answer.body?.cancel()
  if (answer.status >= 400) answers.push({ url: path, text: JSON.stringify([...answer.headers]) + text })
  return { status: answer.status, json: <T>(): T => JSON.parse(text) as T }
}
const order = (change: object = {}): object => ({
  customer_name: planted.customer,
  address: planted.address,
  valor: '1.00',
  referencia: planted.referencia,
  ...change,
})

/** A life with a webhook and a public page; remembers the secrets that it was told. */
const live = async (): Promise<{ id: string; webhook: string }> => {
  const at = `${receiver.url}/${planted.callback}?q=${planted.query}`
  const made = (await ask('POST', '/webhooks', { url: at })).json<{ id: string; secret: string }>()
  secrets['webhook secret'] = made.secret
  const rotated = (await ask('POST', `/webhooks/${made.id}/secret`)).json<{ secret: string }>()
  secrets['webhook secret after its rotation'] = rotated.secret
  const { id } = (await ask('POST', '/orders', order(), { 'idempotency-key': planted.chave })).json<{ id: string }>()
  secrets['closed page'] = (await ask('POST', `/orders/${id}/tracking`)).json<{ token: string }>().token
  secrets['page'] = (await ask('POST', `/orders/${id}/tracking`)).json<{ token: string }>().token
  await ask('POST', `/webhooks/${made.id}/test`)
  await waitFor(() => told.length >= 3, { timeoutMs: 60_000, what: 'webhooks that were tried' })
  return { id, webhook: made.id }
}

/** One request of each kind that can go well or be refused. */
const requests = async ({ id, webhook }: { id: string; webhook: string }): Promise<void> => {
  const { note, location, chave, query, body } = planted
  const key = { 'idempotency-key': chave }
  await ask('POST', '/orders', order({ valor: '2.00' }), key)
  await ask('POST', '/orders', order())
  for (const wrong of [
    `{"customer_name":"${body}`,
    body,
    `"${body}"`,
    order({ valor: body }),
    order({ extra: body }),
  ]) {
    await ask('POST', '/orders', wrong)
  }
  const csv = `customer_name,address,valor\n${planted.customer},${planted.address},1.00\n${body},${body},${body}\n`
  await ask('POST', '/orders/importacoes', csv, { 'content-type': 'text/csv' })
  for (const status of ['IN_TRANSIT', 'RETURNED', body]) {
    await ask(
      'POST',
      `/orders/${id}/transitions`,
      { status, note, location },
      { 'idempotency-key': `${chave}-${status}` },
    )
  }
  await ask('POST', `/orders/${id}/carrier-events`, {
    type: body,
    status: 0,
    occurred_at: '2025-10-15T12:00:00Z',
    location,
  })
  await ask('POST', `/orders/${id}/cancel`, { note: body, outro: body })
  for (const url of [`http://10.0.0.1/${query}`, `https://user:${query}@example.com/`, query]) {
    await ask('POST', '/webhooks', { url })
  }
  await ask('POST', `/webhooks/${webhook}/deliveries/${query}/redeliver`)
  for (const path of ['/orders', `/orders/${id}`, `/orders/${id}/events`, '/webhooks', '/entregas/eventos', '/nada']) {
    await ask('GET', `${path}?referencia=${query}&cursor=${query}&access_token=${query}`)
    await ask('GET', path, undefined, { 'last-event-id': query, 'if-none-match': query })
  }
  for (const token of ['page', 'closed page']) {
    for (const rest of ['', '/stream', '/nada', `?q=${query}`]) await ask('GET', `/track/${secrets[token]}${rest}`)
  }
}

/** A row that the database refuses with all its values in the detail of the error. */
const refused = async (): Promise<void> => {
  await system.sql.entregas`alter table pedido add constraint recusa check (valor <> 4242) not valid`
  expect((await ask('POST', '/orders', order({ valor: '42.42', referencia: undefined }))).status).toBe(500)
}

test('no webhook secret, page token, customer, address or password gets into a log, an error, a metric, a trace or a list of processes', async () => {
  const things = await live()
  await requests(things)
  await refused()
  const paths = ['/metrics', '/openapi.json', '/health/ready', '/health/live']
  const described = (
    await Promise.all(
      (['entregas', 'avisos'] as const).flatMap((service) =>
        paths.map(async (path) => (await fetch(system.url(service) + path)).text()),
      ),
    )
  ).join('\n')
  const { stdout: processes } = await promisify(execFile)('ps', [
    '-o',
    'command=',
    '-p',
    [...system.instances.entregas, ...system.instances.avisos].map(({ pid }) => pid).join(),
  ])
  await system.redis.stop()
  await requests(things)
  await system.postgres.stop()
  await requests(things)
  await waitFor(() => answers.some(({ text }) => text.includes('banco-indisponivel')), { what: 'an outage' })
  await system.endAll()

  // The search finds what is there: otherwise all that follows would prove nothing.
  expect(found(`x ${secrets['webhook secret']} ${btoa(`ab${secrets['page']}c`)}`, secrets)).toEqual([
    'webhook secret',
    'page',
  ])
  expect(system.output()).toContain('"level":"error"')
  expect(system.receiver.spans.length).toBeGreaterThan(0)
  expect(told.some((url) => url.includes(planted.callback))).toBe(true)
  expect(processes).toContain('main.ts')

  expect(found(system.output(), secrets), 'in the logs').toEqual([])
  expect(found(described, secrets), 'in what the service says of itself').toEqual([])
  expect(described).not.toContain('loja-canario')
  expect(found(JSON.stringify(system.receiver.spans), secrets), 'in the traces').toEqual([])
  expect(found(processes, secrets), 'in the list of processes').toEqual([])
  // A refusal names the path that was asked, to who asked, and nothing else.
  const shown = answers.filter(({ url, text }) => {
    const path = url.split('?')[0] ?? ''
    return found(text.replaceAll(path, ''), secrets).length > 0
  })
  expect(shown).toEqual([])
})
