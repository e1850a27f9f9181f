import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Hono } from 'hono'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readJsonBody } from './body.ts'
import type { AppEnv } from './env.ts'
import { jsonText } from './json.ts'
import { type HttpServer, serveHttp } from './server.ts'

let server: HttpServer
let done = 0
beforeAll(async () => {
  const app = new Hono<AppEnv>()
  app.post('/recusa', () => jsonText('{"recusado":true}', 401))
  app.post('/json', async (c) => jsonText(JSON.stringify(await readJsonBody(c, { bytesMax: 1_000 })), 201))
  app.get('/devagar', async () => {
    await delay(100)
    done += 1
    return jsonText('{"devagar":true}')
  })
  app.onError(() => jsonText('{"interrompida":true}', 400))
  server = await serveHttp({ app, port: 0, hostname: '127.0.0.1', log: pino({ level: 'silent' }) })
})
afterAll(() => server.stop(0))

/** The status lines of all that comes back until the connection ends. */
const statuses = async (...pieces: readonly string[]): Promise<string[]> => {
  const socket = connect(server.port, '127.0.0.1')
  let came = ''
  socket.on('data', (chunk) => {
    came += chunk.toString()
  })
  socket.on('error', () => undefined)
  for (const piece of pieces) socket.write(piece)
  await once(socket, 'close')
  return [...came.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = '']) => status)
}

const HEAD = 'HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
const BROKEN_BODIES = [
  [
    'an unknown transfer coding',
    'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /devagar HTTP/1.1\r\nHost: x\r\n\r\n',
  ],
  ['a chunk without its size', 'Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n'],
] as const

test.each(BROKEN_BODIES)('a request with %s that was refused already gets no second answer', async (_, rest) => {
  expect(await statuses(`POST /recusa ${HEAD}${rest}`)).toEqual(['401'])
})

test.each(BROKEN_BODIES)('a request with %s whose body is awaited gets one answer', async (_, rest) => {
  expect(await statuses(`POST /json ${HEAD}${rest}`)).toEqual(['400'])
})

test('a request before bytes that are no HTTP gets its own answer first, not theirs', async () => {
  const before = done
  expect(await statuses('GET /devagar HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n')).toEqual(['200', '400'])
  expect(done).toBe(before + 1)
})

test('a broken body behind a request that is still at work is never answered in its place', async () => {
  const slow = 'GET /devagar HTTP/1.1\r\nHost: x\r\n\r\n'
  const answers = await statuses(`${slow}POST /json ${HEAD}Transfer-Encoding: xchunked\r\n\r\nx`)
  expect(answers[0] ?? '200').toBe('200')
})

test('bytes that are no HTTP on a connection that was used before are answered', async () => {
  const refused = `POST /recusa ${HEAD}Content-Length: 0\r\n\r\n`
  expect(await statuses(`${refused}nonsense\r\n\r\n`)).toEqual(['401', '400'])
})
