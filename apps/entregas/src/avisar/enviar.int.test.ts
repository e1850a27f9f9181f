import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createReceptor, type Receptor } from '../../test/receptor.ts'
import { createRemetente, type Remetente } from './enviar.ts'

const CORPO = '{"a":"ç"}'

let receptor: Receptor
let remetentes: Remetente[]
beforeEach(async () => {
  receptor = await createReceptor(() => 200)
  remetentes = []
})
afterEach(async () => {
  for (const um of remetentes) um.close()
  await receptor.fechar()
})

type Options = Parameters<typeof createRemetente>[0]
type Resolver = NonNullable<Options['resolver']>
const abrir = (options: Partial<Options> = {}): Remetente => {
  const um = createRemetente({ permiteLoopback: true, ...options })
  remetentes.push(um)
  return um
}
const enviar = (um: Remetente, url = receptor.url, parar?: AbortSignal) =>
  um.enviar({ url, cabecalhos: { 'webhook-id': 'msg_1' }, corpo: CORPO }, parar)
/** A resolver that says what a test wants, once for each look. */
const dizendo = (...respostas: readonly (readonly string[])[]): Resolver => {
  let vez = 0
  const resolver = (_nome: string, _options: object, responder: (error: null, addresses: object[]) => void) => {
    const enderecos = respostas[Math.min(vez, respostas.length - 1)] ?? []
    vez += 1
    responder(
      null,
      enderecos.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  return resolver as unknown as Resolver
}
const porNome = (): string => receptor.url.replace('127.0.0.1', 'localhost')

test('a message arrives whole, with its headers', async () => {
  const enviado = await enviar(abrir())
  expect(enviado).toMatchObject({ status: 200, erro: undefined, interrompido: false })
  expect(receptor.recebidas).toMatchObject([
    { body: CORPO, id: 'msg_1', headers: { 'content-type': 'application/json' } },
  ])
})

test.each([
  ['loopback', ['127.0.0.1']],
  ['a private address', ['10.0.0.1']],
  ['the metadata service', ['169.254.169.254']],
  ['IPv6 loopback', ['::1']],
  ['an IPv4-mapped private address', ['::ffff:10.0.0.1']],
  ['one private address among public ones', ['8.8.8.8', '10.0.0.1']],
  ['nothing', []],
])('a public name that resolves to %s is not connected to', async (_, enderecos) => {
  const um = abrir({ permiteLoopback: false, resolver: dizendo(enderecos) })
  const enviado = await enviar(um, 'https://loja.example/avisos')
  expect(enviado).toMatchObject({ status: undefined, erro: 'O endereço resolvido não é público.' })
})

test('the connection goes to the address that was checked, and a name is asked once for it', async () => {
  // What the name says the second time is never heard.
  const um = abrir({ resolver: dizendo(['127.0.0.1'], ['10.0.0.1']) })
  expect((await enviar(um, porNome())).status).toBe(200)
  // A kept connection is to the address that was checked.
  expect((await enviar(um, porNome())).status).toBe(200)
  expect(receptor.recebidas).toHaveLength(2)
})

test('a URL that may not be a target any more is not even resolved', async () => {
  const enviado = await enviar(abrir({ permiteLoopback: false, resolver: dizendo() }))
  expect(enviado).toMatchObject({ status: undefined, erro: 'Deve começar com https://.' })
  expect(receptor.recebidas).toEqual([])
})

test('a redirect is an answer and is not followed', async () => {
  receptor.responder(() => ({ status: 307, headers: { location: `${receptor.url}/outro` } }))
  expect((await enviar(abrir())).status).toBe(307)
  expect(receptor.recebidas).toHaveLength(1)
})

test('a receiver that does not answer in time is let go', async () => {
  receptor.responder(() => 'nunca')
  const enviado = await enviar(abrir({ limiteMs: 100 }))
  expect(enviado).toMatchObject({ status: undefined, erro: 'sem resposta em 0.1 s', interrompido: false })
})

test('an attempt that its caller ends is told from one that failed', async () => {
  receptor.responder(() => 'nunca')
  const parar = new AbortController()
  const enviando = enviar(abrir(), receptor.url, parar.signal)
  parar.abort()
  expect(await enviando).toMatchObject({ status: undefined, interrompido: true })
})

test('of a long answer only the beginning is read and kept, as one line without controls', async () => {
  receptor.responder(() => ({ status: 200, body: `a\u0000\r\n${'b'.repeat(5_000_000)}` }))
  const { status, resposta = '' } = await enviar(abrir())
  expect([status, resposta.length, resposta.slice(0, 4)]).toEqual([200, 500, 'a bb'])
})

test('a receiver that is away, or breaks off, is named without our own addresses', async () => {
  const quebra: Server = createServer((request) => request.socket.destroy())
  await new Promise<void>((resolve) => quebra.listen(0, '127.0.0.1', resolve))
  const { port } = quebra.address() as AddressInfo
  const um = abrir()
  expect((await enviar(um, `http://127.0.0.1:${port}/`)).erro).toBe('conexão interrompida')
  await new Promise((resolve) => quebra.close(resolve))
  expect((await enviar(um, `http://127.0.0.1:${port}/`)).erro).toBe('conexão recusada')
})

test('a kept connection that the receiver has closed costs no attempt', async () => {
  const ocioso = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume()
    request.on('end', () => response.end('ok'))
  })
  let pedidos = 0
  ocioso.on('connection', (socket) => {
    // The second request of a connection finds it dead, as behind a proxy that forgot it.
    socket.on('data', () => {
      pedidos += 1
      if (pedidos === 2) socket.resetAndDestroy()
    })
  })
  await new Promise<void>((resolve) => ocioso.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(ocioso.address() as AddressInfo).port}/`
  const um = abrir()
  try {
    expect((await enviar(um, url)).status).toBe(200)
    expect((await enviar(um, url)).status).toBe(200)
  } finally {
    um.close()
    ocioso.closeAllConnections()
    await new Promise((resolve) => ocioso.close(resolve))
  }
})
