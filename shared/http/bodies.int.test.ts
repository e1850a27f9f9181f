import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Hono } from 'hono'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createBodies } from './bodies.ts'
import { bodyStream, withBody } from './body.ts'
import { type AppEnv, nodeOf } from './env.ts'
import { createProblemResponse } from './problem.ts'
import { type HttpServer, serveHttp } from './server.ts'

const MIB = 1024 * 1024
const LARGEST = 8 * MIB

const slow = createBodies({ wholeMs: 400 })

let server: HttpServer
let gate = Promise.withResolvers<void>()
beforeAll(async () => {
  const log = pino({ level: 'silent' })
  const app = new Hono<AppEnv>()
  app.use(async (c, next) => {
    c.set('comercianteId', c.req.header('x-loja') ?? '')
    await next()
  })
  app.post('/corpo', (c) => withBody(c, { bytesMax: LARGEST }, async (utf8) => c.text(`${utf8.length}`)))
  app.post('/devagar', (c) =>
    withBody(c, { bytesMax: LARGEST, countsAtLeast: MIB }, async (utf8) => {
      await gate.promise
      return c.text(`${utf8.length}`)
    }),
  )
  app.post('/prazo', async (c) => {
    const held = slow.hold({ owner: c.get('comercianteId'), declared: undefined, limits: { bytesMax: 100 } })
    try {
      return c.text(`${(await held.gather(nodeOf(c)?.incoming ?? bodyStream(c))).length}`)
    } finally {
      held.release()
    }
  })
  app.onError((error, c) => createProblemResponse({ log })(c, error))
  server = await serveHttp({ app, port: 0, hostname: '127.0.0.1', log })
})
afterAll(() => server.stop(0))

const open: Sender[] = []
afterEach(() => {
  gate.resolve()
  gate = Promise.withResolvers()
  for (const { socket } of open.splice(0)) socket.destroy()
})

type Sender = { socket: Socket; answer: () => string }

/** Begins a request, and goes on sending nothing. */
async function begin(path: string, merchant: string, length: string, body: string | Buffer = ''): Promise<Sender> {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nX-Loja: ${merchant}\r\n${length}\r\n\r\n`)
  socket.write(body)
  const sender = { socket, answer: () => answer }
  open.push(sender)
  return sender
}

/** The status of the answer, its code where it is a refusal, and its body. */
async function answered(sender: Sender | undefined): Promise<{ status: number; codigo: string; body: string }> {
  const text = () => sender?.answer() ?? ''
  await waitFor(() => text().includes('\r\n\r\n'), { what: 'the answer' })
  const [head = '', body = ''] = text().split('\r\n\r\n')
  return { status: Number(head.slice(9, 12)), codigo: /"codigo":"(.*?)"/.exec(body)?.[1] ?? '', body }
}

const length = (bytes: number) => `Content-Length: ${bytes}`
const send = async (path: string, merchant: string, bytes: number) =>
  (
    await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'POST',
      headers: { 'x-loja': merchant },
      body: Buffer.alloc(bytes, 'x'),
    })
  ).status

test('sixty unfinished bodies of a merchant take its share and no more, and others go on', async () => {
  const senders = await Promise.all(
    Array.from({ length: 60 }, () => begin('/corpo', 'atk', length(LARGEST), Buffer.alloc(LARGEST - 1, 'x'))),
  )
  const refused = () => senders.filter((one) => one.answer().startsWith('HTTP/1.1 503'))
  await waitFor(async () => refused().length === 58, { what: 'all but two are refused' })
  expect(refused()[0]?.answer()).toMatch(/retry-after: \d/i)
  expect(refused()[0]?.answer()).toContain('"codigo":"corpos-demais"')
  expect(await send('/corpo', 'atk', 10)).toBe(503)
  expect(await send('/corpo', 'vit', LARGEST)).toBe(200)

  const [in1, in2] = senders.filter((one) => one.answer() === '')
  in1?.socket.write('x')
  expect((await answered(in1)).body).toBe(`${LARGEST}`)
  in2?.socket.destroy()
  await waitFor(async () => (await send('/corpo', 'atk', LARGEST)) === 200, { what: 'who went away left its room' })
})

test('a body without a declared length counts as it comes', async () => {
  const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`
  const begun = Array.from({ length: 4 }, () => begin('/corpo', 'atk', 'Transfer-Encoding: chunked', chunk(5 * MIB)))
  const senders = await Promise.all(begun)
  // Three of 8 MiB each, as they double, are more than its share.
  const refused = () => senders.filter((one) => one.answer().startsWith('HTTP/1.1 503'))
  await waitFor(async () => refused().length === 2, { what: 'two are refused' })
  const [one] = senders.filter((sender) => sender.answer() === '')
  one?.socket.write(`${chunk(1)}0\r\n\r\n`)
  expect((await answered(one)).body).toBe(`${5 * MIB + 1}`)
})

test('a body counts until its work has ended, and one that becomes more than its bytes counts as more', async () => {
  const senders = await Promise.all(Array.from({ length: 17 }, () => begin('/devagar', 'atk', length(2), 'xx')))
  const refused = () => senders.filter((one) => one.answer().startsWith('HTTP/1.1 503'))
  await waitFor(async () => refused().length === 1, { what: 'the seventeenth is refused' })
  expect(await send('/corpo', 'vit', 10)).toBe(200)
  gate.resolve()
  for (const one of senders.filter((sender) => !refused().includes(sender)))
    expect((await answered(one)).body).toBe('2')
  expect(await send('/corpo', 'atk', LARGEST)).toBe(200)
})

test('a body that does not come to its end is given up, however it trickles', async () => {
  const sender = await begin('/prazo', 'atk', length(100), 'x')
  const trickle = setInterval(() => sender.socket.write('x'), 50)
  const answer = await answered(sender)
  clearInterval(trickle)
  expect(answer).toMatchObject({ status: 408, codigo: 'requisicao-lenta' })
  expect(slow.held()).toBe(0)
})
