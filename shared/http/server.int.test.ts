import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { OpenAPIHono } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { createLogger } from '../telemetry/logger.ts'
import { createHttpApp } from './app.ts'
import { bodyStream, readJsonBody } from './body.ts'
import type { AppEnv } from './env.ts'
import { jsonText } from './json.ts'
import { type HttpServer, serveHttp } from './server.ts'

const BYTES_MAX = 64 * 1024
const servers: HttpServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(0)))
})

/** A real listener with routes that read, wait and stream. `release` lets the waiting requests finish. */
async function start() {
  const lines: string[] = []
  const log = createLogger({ service: 'teste', stream: { write: (line) => void lines.push(line) } })
  const gate = Promise.withResolvers<void>()
  let waiting = 0
  const routes = new OpenAPIHono<AppEnv>()
  routes.post('/json', async (c) => jsonText(JSON.stringify(await readJsonBody(c, { bytesMax: BYTES_MAX })), 201))
  routes.post('/parcial', async (c) => {
    for await (const chunk of bodyStream(c)) return jsonText(`${chunk.byteLength > 0}`)
    return jsonText('false')
  })
  routes.get('/espera', async (c) => {
    waiting += 1
    await gate.promise
    return c.json({ ok: true }, 200, { 'X-Um': '1', 'X-Dois': '2' })
  })
  routes.get('/rapido', (c) => c.text('ok'))
  const nothing = async () => undefined
  const module = { name: 'm', routes, checks: [], start: nothing, drain: nothing, close: nothing }
  const registry = new Registry()
  const app = createHttpApp({
    modules: [module],
    registry,
    log,
    leaving: () => false,
    started: () => true,
  })
  const server = await serveHttp({ app, port: 0, hostname: '127.0.0.1', log })
  servers.push(server)
  const url = `http://127.0.0.1:${server.port}`
  return { server, url, lines, release: gate.resolve, waiting: () => waiting }
}

/** Sends bytes as they are and gives all that comes back until the connection ends, or until `until` is there. */
async function raw(port: number, bytes: string | Buffer, until?: RegExp): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
    if (until?.test(answer)) socket.destroy()
  })
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return answer
}

test.each([
  ['bytes that are no HTTP', 'nonsense\r\n\r\n', 400, 'requisicao-malformada'],
  [
    'headers of 20 KiB',
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    431,
    'cabecalhos-grandes-demais',
  ],
  ['a URL of 20 KiB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'cabecalhos-grandes-demais'],
  [
    'a URL of 9 KiB',
    `GET /${'x'.repeat(9000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    414,
    'endereco-longo-demais',
  ],
  ['a broken Host', 'GET / HTTP/1.1\r\nHost: a b/\r\nConnection: close\r\n\r\n', 400, 'requisicao-malformada'],
  [
    'a backslash in the path',
    'GET /a\\b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    400,
    'requisicao-malformada',
  ],
  ['a broken escape', 'GET /%E0%A4%A HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400, 'endereco-invalido'],
  [
    'two lengths',
    'POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    400,
    'requisicao-malformada',
  ],
])('%s get a problem document', async (_, bytes, status, codigo) => {
  const { server, lines } = await start()
  const answer = await raw(server.port, bytes)
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toContain('application/problem+json')
  expect(answer).toContain(`"codigo":"${codigo}"`)
  expect(lines.join('')).not.toContain('"level":"error"')
})

test('a declared body above the limit is refused before it is sent', async () => {
  const { server } = await start()
  const head = 'POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{'
  expect(await raw(server.port, head, /corpo-grande-demais/)).toMatch(/^HTTP\/1.1 413 /)
})

test.each([1, 4, 32])(
  'a body of unknown length is refused once it is above the limit, at %d MiB',
  async (mebibytes) => {
    const { url } = await start()
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let sent = 0; sent < mebibytes; sent += 1) controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20))
        controller.close()
      },
    })
    const headers = { 'Content-Type': 'application/json' }
    const answer = await fetch(`${url}/json`, { method: 'POST', body, headers, duplex: 'half' })
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ codigo: 'corpo-grande-demais' })
  },
)

test('a large body sent whole gets its 413 and not a broken connection', async () => {
  const { url } = await start()
  const headers = { 'Content-Type': 'application/json' }
  for (let round = 0; round < 5; round += 1) {
    const answer = await fetch(`${url}/json`, { method: 'POST', body: '"'.repeat(8 * 1024 * 1024), headers })
    expect([answer.status, (await answer.text()).includes('corpo-grande-demais')]).toEqual([413, true])
  }
})

test('bodies up to the limit are read in any number of pieces', async () => {
  const { url } = await start()
  const text = JSON.stringify({ valor: 'x'.repeat(BYTES_MAX - 12) })
  const headers = { 'Content-Type': 'application/json' }
  const whole = await fetch(`${url}/json`, { method: 'POST', body: text, headers })
  expect([whole.status, (await whole.text()).length]).toEqual([201, BYTES_MAX])
  const pieces = new Blob([text]).stream()
  const chunked = await fetch(`${url}/json`, { method: 'POST', body: pieces, headers, duplex: 'half' })
  expect([chunked.status, (await chunked.text()).length]).toEqual([201, BYTES_MAX])
})

test('a handler that leaves the body before its end still answers', async () => {
  const { url } = await start()
  const answer = await fetch(`${url}/parcial`, { method: 'POST', body: 'x'.repeat(4 * 1024 * 1024) })
  expect(await answer.text()).toBe('true')
})

test('a client that goes away in the middle of its body is no error of ours', async () => {
  const { server, lines } = await start()
  const head = 'POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{'
  const socket = connect(server.port, '127.0.0.1')
  socket.write(head, () => socket.destroy())
  await waitFor(() => lines.length > 0, { what: 'the access log line' })
  expect(lines.join('')).toContain('"status":400')
  expect(lines.join('')).not.toContain('"level":"error"')
})

test('the request id is on every answer, whoever wrote its headers', async () => {
  const { url, release } = await start()
  release()
  const headers = { 'X-Request-Id': 'pedido-9' }
  for (const path of ['/rapido', '/espera', '/nada', '/docs', '/metrics', '/health/ready']) {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) {
      const answer = await fetch(url + path, { method, headers })
      expect([path, method, answer.headers.get('X-Request-Id')]).toEqual([path, method, 'pedido-9'])
      await answer.arrayBuffer()
    }
  }
})

test('leaving: what is in flight is answered and its connection closed, idle ones end, nothing new is accepted', async () => {
  const { server, url, release, waiting } = await start()
  const agent = new Agent({ keepAlive: true })
  await get(`${url}/rapido`, agent)
  const inFlight = get(`${url}/espera`, new Agent({ keepAlive: true }))
  await waitFor(() => waiting() === 1, { what: 'the request in flight' })
  const stopped = server.stop(10_000)
  await expect(fetch(`${url}/rapido`)).rejects.toThrow()
  release()
  expect(await inFlight).toMatchObject({ status: 200, connection: 'close' })
  await stopped
  agent.destroy()
})

test('a request that comes on a kept connection just as the listener closes is still answered', async () => {
  const { server, url } = await start()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  expect(await get(`${url}/rapido`, agent)).toMatchObject({ status: 200, connection: 'keep-alive' })
  const stopped = server.stop(10_000)
  expect(await get(`${url}/rapido`, agent)).toMatchObject({ status: 200, connection: 'close' })
  await stopped
})

test('a request that never ends is cut at the deadline', async () => {
  const { server, url, waiting } = await start()
  const hanging = get(`${url}/espera`, new Agent()).catch(() => 'cut')
  await waitFor(() => waiting() === 1, { what: 'the request in flight' })
  await server.stop(50)
  expect(await hanging).toBe('cut')
})

test('a taken port is told when starting', async () => {
  const { server } = await start()
  const log = createLogger({ service: 'teste', stream: { write: () => undefined } })
  const again = serveHttp({ app: new OpenAPIHono<AppEnv>(), port: server.port, hostname: '127.0.0.1', log })
  await expect(again).rejects.toThrow('EADDRINUSE')
})

function get(url: string, agent: Agent): Promise<{ status: number | undefined; connection: string | undefined }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve({ status: answer.statusCode, connection: answer.headers.connection }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

test('the body of a GET is dropped as it comes, and does not wait in memory for the answer', async () => {
  const { server, release, waiting } = await start()
  const socket = connect(server.port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  const bytes = 32 * 1024 * 1024
  socket.write(`GET /espera HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n`)
  socket.write(Buffer.alloc(bytes, 'x'))
  await waitFor(() => waiting() === 1 && socket.writableLength === 0, { what: 'all of the body is taken' })
  release()
  await waitFor(() => answer.includes('200 OK'), { what: 'the answer' })
  socket.destroy()
})
