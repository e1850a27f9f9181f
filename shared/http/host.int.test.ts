import { once } from 'node:events'
import { connect } from 'node:net'
import { OpenAPIHono } from '@hono/zod-openapi'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpApp } from './app.ts'
import type { AppEnv } from './env.ts'
import { type HttpServer, serveHttp } from './server.ts'

let server: HttpServer
beforeAll(async () => {
  const routes = new OpenAPIHono<AppEnv>()
  routes.get('/orders/:id', (c) => c.text(`pedido ${c.req.param('id')}`))
  const nothing = async () => undefined
  const modules = [{ name: 'm', routes, checks: [], start: nothing, drain: nothing, close: nothing }]
  const log = pino({ level: 'silent' })
  const [leaving, started] = [() => false, () => true]
  const app = createHttpApp({ modules, registry: new Registry(), log, leaving, started })
  server = await serveHttp({ app, port: 0, hostname: '127.0.0.1', log })
})
afterAll(() => server.stop(0))

/** All that comes back for these bytes, each character being one byte. */
const raw = async (text: string): Promise<string> => {
  const socket = connect(server.port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  socket.on('error', () => undefined)
  socket.write(Buffer.from(text, 'latin1'))
  await once(socket, 'close')
  return answer
}

const request = (target: string, ...hosts: readonly string[]): Promise<string> =>
  raw(`GET ${target} HTTP/1.1\r\n${hosts.map((host) => `Host: ${host}\r\n`).join('')}Connection: close\r\n\r\n`)

const MALFORMED = /^HTTP\/1\.1 400 .*application\/problem\+json.*"codigo":"requisicao-malformada"/s

const BYTES = Array.from({ length: 0x100 - 0x20 }, (_, n) => String.fromCharCode(0x20 + n))

test('a Host that holds the address of another route never leads there', async () => {
  // What node-server makes of it is http://xn--4ca.xn--4ca/metrics: as long as the Host, which is all that it compares.
  expect(await request('/orders/x', '\xe4.\xe4\\metrics?zzz')).toMatch(MALFORMED)
  for (const byte of BYTES) {
    const answer = await request('/orders/x', `a.b${byte}metrics`)
    if (/[A-Za-z0-9.:[\]_-]/.test(byte)) expect(answer, byte).toMatch(/^HTTP\/1\.1 400 |\r\n\r\npedido x$/)
    else expect(answer, JSON.stringify(byte)).toMatch(MALFORMED)
  }
})

test('a target that its Host completes to an address is refused', async () => {
  // http://0X0000007f://x/../../metrics names the host 0.0.0.127, which is as long as the Host.
  expect(await request('f://x/../../metrics', '0X0000007')).toMatch(MALFORMED)
  expect(await request('HTTP://x/../../metrics', 'A')).toMatch(MALFORMED)
  expect(await request('*', 'localhost')).toMatch(MALFORMED)
})

test.each(['localhost', 'LOCALHOST:3001', 'a_b.c-d', '127.0.0.1:80', '[::1]', '[::1]:3001'])(
  'Host %s is served',
  async (host) => {
    expect(await request('/orders/x', host)).toMatch(/\r\n\r\npedido x$/)
  },
)

test('an absolute address is served by its own path', async () => {
  expect(await request('http://outro/orders/x', 'localhost')).toMatch(/\r\n\r\npedido x$/)
})

test.each(['/orders/x', 'http://localhost/orders/x'])('%s without a Host, or with two, is refused', async (target) => {
  expect(await request(target)).toMatch(MALFORMED)
  expect(await request(target, '')).toMatch(MALFORMED)
  expect(await request(target, 'localhost', 'localhost')).toMatch(MALFORMED)
})

test('a connection goes on after such a refusal, whatever body came with it', async () => {
  const refused = 'POST /orders/x HTTP/1.1\r\nHost: a\\b\r\nContent-Length: 5\r\n\r\n12345'
  const answers = await raw(`${refused}GET /orders/y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  expect(answers).toMatch(MALFORMED)
  expect(answers).toMatch(/\r\n\r\npedido y$/)
})
