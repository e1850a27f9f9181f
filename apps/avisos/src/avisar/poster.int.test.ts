import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createAuthority } from '@fluxo/tests/stage/certificates'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createNameServer, type NameAnswer as Dito, type NameServer } from '../../test/name-server.ts'
import { createReceiver, type WebhookReceiver } from '../../test/receiver.ts'
import { createWebhookPoster, type WebhookPoster } from './poster.ts'

const BODY = '{"a":"ç"}'

let receiver: WebhookReceiver
let posters: WebhookPoster[]
let close: (() => Promise<void>)[]
beforeEach(async () => {
  receiver = await createReceiver(() => 200)
  posters = []
  close = [receiver.close]
})
afterEach(async () => {
  for (const one of posters) one.close()
  await Promise.all(close.map((one) => one()))
})

type Options = Parameters<typeof createWebhookPoster>[0]
const open = (options: Partial<Options> = {}): WebhookPoster => {
  const one = createWebhookPoster({ allowsLoopback: true, ...options })
  posters.push(one)
  return one
}
const send = (one: WebhookPoster, url = receiver.url, stop?: AbortSignal, comercianteId = 'loja') =>
  one.send({ url, comercianteId, headers: { 'webhook-id': 'msg_1' }, body: BODY }, stop)
const openNames = async (say: (name: string, times: number) => Dito): Promise<NameServer> => {
  const names = await createNameServer(say)
  close.push(names.close)
  return names
}
const openTls = async (): Promise<WebhookReceiver> => {
  // An authority is found by its name: no two tests' have the same.
  const authority = createAuthority(randomUUID())
  const certificate = authority.issue('*.loja.example')
  setDefaultCACertificates([...getCACertificates(), authority.cert])
  const receiving = await createReceiver(() => 200, certificate)
  close.push(receiving.close)
  return receiving
}

test('a message arrives whole, with its headers', async () => {
  const result = await send(open())
  expect(result).toMatchObject({ status: 200, error: undefined, interrupted: false })
  expect(receiver.messages).toMatchObject([
    { body: BODY, id: 'msg_1', headers: { 'content-type': 'application/json' } },
  ])
})

test.each([
  ['loopback', ['127.0.0.1']],
  ['a private address', ['10.0.0.1']],
  ['the metadata service', ['169.254.169.254']],
  ['IPv6 loopback', ['::1']],
  ['an IPv4-mapped private address', ['::ffff:10.0.0.1']],
  ['one private address among public ones', ['8.8.8.8', '10.0.0.1']],
])('a public name that resolves to %s is not connected to', async (_, addresses) => {
  const { servers } = await openNames(() => addresses)
  const result = await send(open({ allowsLoopback: false, servers }), 'https://loja.example/avisos')
  expect(result).toMatchObject({ status: undefined, error: 'O endereço resolvido não é público.', unresolved: false })
})

test('the connection goes to the address that was checked, and a name is asked once for it', async () => {
  const receiving = await openTls()
  // What the name says the second time is never heard.
  const names = await openNames((_, times) => (times === 0 ? ['127.0.0.1'] : ['10.0.0.1']))
  const one = open({ servers: names.servers })
  expect((await send(one, receiving.at('a.loja.example'))).status).toBe(200)
  // A kept connection is to the address that was checked.
  expect((await send(one, receiving.at('a.loja.example'))).status).toBe(200)
  expect([receiving.messages.length, names.questions]).toEqual([2, ['a.loja.example']])
})

test('a name that does not exist was an attempt; one of which nobody knows was none', async () => {
  const { servers } = await openNames((name) => (name.startsWith('nada') ? 'desconhecido' : 'falha'))
  const one = open({ servers })
  const nothing = await send(one, 'https://nada.loja.example/')
  expect(nothing).toMatchObject({ status: undefined, error: 'nome não encontrado', unresolved: false })
  const failure = await send(one, 'https://falha.loja.example/')
  expect(failure).toMatchObject({ status: undefined, error: 'nome não resolvido', unresolved: true })
})

test('names of which nobody tells anything hold up no other merchant’s, and a few of their own', async () => {
  const receiving = await openTls()
  const names = await openNames((name) => (name.includes('mudo') ? 'calado' : ['127.0.0.1']))
  const one = open({ servers: names.servers })
  const stop = new AbortController()
  const silent = Array.from({ length: 64 }, (_, i) => send(one, `https://h${i}.mudo.example/`, stop.signal, 'atacante'))
  await waitFor(() => names.questions.length > 0)
  for (let i = 0; i < 20; i += 1) {
    const { status } = await send(one, receiving.at(`v${i}.loja.example`), undefined, 'vitima')
    expect(status).toBe(200)
  }
  expect(new Set(names.questions.filter((name) => name.includes('mudo'))).size).toBe(8)
  stop.abort()
  for (const { interrupted } of await Promise.all(silent)) expect(interrupted).toBe(true)
})

test('a name server that says nothing is left within the time of the attempt, which does not count', async () => {
  const { servers } = await openNames(() => 'calado')
  const [short, whole] = [open({ servers, limitMs: 100 }), open({ servers })]
  for (const one of [short, whole]) {
    const result = await send(one, 'https://mudo.example/')
    expect(result).toMatchObject({ error: 'nome não resolvido', unresolved: true, interrupted: false })
    expect(result.durationMs).toBeLessThan(15_000)
  }
})

test('the names of this machine are asked of nobody, and only where development allows them', async () => {
  const names = await openNames(() => ['10.0.0.1'])
  const one = open({ servers: names.servers })
  expect((await send(one, receiver.at('localhost'))).status).toBe(200)
  expect((await send(one, receiver.at('loja.localhost'))).status).toBe(200)
  expect(names.questions).toEqual([])
})

test('idle connections to ever new receivers are not kept without bound', async () => {
  const one = open()
  const opened = new Set<number>()
  receiver.answerWith(({ path }) => {
    opened.add(Number(path.slice(1)))
    return 200
  })
  const connectionCount = () => receiver.connections()
  for (let wave = 0; wave < 12; wave += 1) {
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => send(one, receiver.at(`h${wave * 50 + i}.localhost`, `/${wave * 50 + i}`))),
    )
  }
  await waitFor(async () => (await connectionCount()) <= 512)
  expect([opened.size, await connectionCount()]).toEqual([600, 512])
})

test('a URL that may not be a target any more is not even resolved', async () => {
  const names = await openNames(() => ['127.0.0.1'])
  const result = await send(open({ allowsLoopback: false, servers: names.servers }))
  expect(result).toMatchObject({ status: undefined, error: 'Deve começar com https://.' })
  expect([receiver.messages, names.questions]).toEqual([[], []])
})

test('a redirect is an answer and is not followed', async () => {
  receiver.answerWith(() => ({ status: 307, headers: { location: `${receiver.url}/outro` } }))
  expect((await send(open())).status).toBe(307)
  expect(receiver.messages).toHaveLength(1)
})

test('a receiver that does not answer in time is let go', async () => {
  receiver.answerWith(() => 'nunca')
  const result = await send(open({ limitMs: 100 }))
  expect(result).toMatchObject({ status: undefined, error: 'sem resposta em 0.1 s', interrupted: false })
})

test('an attempt that its caller ends is told from one that failed', async () => {
  receiver.answerWith(() => 'nunca')
  const stop = new AbortController()
  const sending = send(open(), receiver.url, stop.signal)
  stop.abort()
  expect(await sending).toMatchObject({ status: undefined, interrupted: true })
})

test('of a long answer only the beginning is read and kept, as one line without controls', async () => {
  receiver.answerWith(() => ({ status: 200, body: `a\u0000\r\n${'b'.repeat(5_000_000)}` }))
  const { status, answer = '' } = await send(open())
  expect([status, answer.length, answer.slice(0, 4)]).toEqual([200, 500, 'a bb'])
})

test('a receiver that is away, or breaks off, is named without our own addresses', async () => {
  const breaking: Server = createServer((request) => request.socket.destroy())
  await new Promise<void>((resolve) => breaking.listen(0, '127.0.0.1', resolve))
  const { port } = breaking.address() as AddressInfo
  const one = open()
  expect((await send(one, `http://127.0.0.1:${port}/`)).error).toBe('conexão interrompida')
  await new Promise((resolve) => breaking.close(resolve))
  expect((await send(one, `http://127.0.0.1:${port}/`)).error).toBe('conexão recusada')
})

test('a kept connection that the receiver has closed costs no attempt', async () => {
  const idleServer = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume()
    request.on('end', () => response.end('ok'))
  })
  let requests = 0
  idleServer.on('connection', (socket) => {
    // The second request of a connection finds it dead, as behind a proxy that forgot it.
    socket.on('data', () => {
      requests += 1
      if (requests === 2) socket.resetAndDestroy()
    })
  })
  await new Promise<void>((resolve) => idleServer.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(idleServer.address() as AddressInfo).port}/`
  const one = open()
  try {
    expect((await send(one, url)).status).toBe(200)
    expect((await send(one, url)).status).toBe(200)
  } finally {
    one.close()
    idleServer.closeAllConnections()
    await new Promise((resolve) => idleServer.close(resolve))
  }
})
