import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createAuthority } from '@fluxo/tests/stage/certificates'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createReceptor, type Receptor } from '../../test/receptor.ts'
import { createServidorDeNomes, type Resposta as Dito, type ServidorDeNomes } from '../../test/servidor-de-nomes.ts'
import { createRemetente, type Remetente } from './enviar.ts'

const CORPO = '{"a":"ç"}'

let receptor: Receptor
let remetentes: Remetente[]
let fechar: (() => Promise<void>)[]
beforeEach(async () => {
  receptor = await createReceptor(() => 200)
  remetentes = []
  fechar = [receptor.fechar]
})
afterEach(async () => {
  for (const um of remetentes) um.close()
  await Promise.all(fechar.map((um) => um()))
})

type Options = Parameters<typeof createRemetente>[0]
const abrir = (options: Partial<Options> = {}): Remetente => {
  const um = createRemetente({ permiteLoopback: true, ...options })
  remetentes.push(um)
  return um
}
const enviar = (um: Remetente, url = receptor.url, parar?: AbortSignal, comercianteId = 'loja') =>
  um.enviar({ url, comercianteId, cabecalhos: { 'webhook-id': 'msg_1' }, corpo: CORPO }, parar)
const abrirNomes = async (dizer: (nome: string, vezes: number) => Dito): Promise<ServidorDeNomes> => {
  const nomes = await createServidorDeNomes(dizer)
  fechar.push(nomes.fechar)
  return nomes
}
const abrirTls = async (): Promise<Receptor> => {
  // An authority is found by its name: no two tests' have the same.
  const autoridade = createAuthority(randomUUID())
  const certificado = autoridade.issue('*.loja.example')
  setDefaultCACertificates([...getCACertificates(), autoridade.cert])
  const com = await createReceptor(() => 200, certificado)
  fechar.push(com.fechar)
  return com
}

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
])('a public name that resolves to %s is not connected to', async (_, enderecos) => {
  const { servidores } = await abrirNomes(() => enderecos)
  const enviado = await enviar(abrir({ permiteLoopback: false, servidores }), 'https://loja.example/avisos')
  expect(enviado).toMatchObject({ status: undefined, erro: 'O endereço resolvido não é público.', semEndereco: false })
})

test('the connection goes to the address that was checked, and a name is asked once for it', async () => {
  const com = await abrirTls()
  // What the name says the second time is never heard.
  const nomes = await abrirNomes((_, vezes) => (vezes === 0 ? ['127.0.0.1'] : ['10.0.0.1']))
  const um = abrir({ servidores: nomes.servidores })
  expect((await enviar(um, com.em('a.loja.example'))).status).toBe(200)
  // A kept connection is to the address that was checked.
  expect((await enviar(um, com.em('a.loja.example'))).status).toBe(200)
  expect([com.recebidas.length, nomes.perguntas]).toEqual([2, ['a.loja.example']])
})

test('a name that does not exist was an attempt; one of which nobody knows was none', async () => {
  const { servidores } = await abrirNomes((nome) => (nome.startsWith('nada') ? 'desconhecido' : 'falha'))
  const um = abrir({ servidores })
  const nada = await enviar(um, 'https://nada.loja.example/')
  expect(nada).toMatchObject({ status: undefined, erro: 'nome não encontrado', semEndereco: false })
  const falha = await enviar(um, 'https://falha.loja.example/')
  expect(falha).toMatchObject({ status: undefined, erro: 'nome não resolvido', semEndereco: true })
})

test('names of which nobody tells anything hold up no other merchant’s, and a few of their own', async () => {
  const com = await abrirTls()
  const nomes = await abrirNomes((nome) => (nome.includes('mudo') ? 'calado' : ['127.0.0.1']))
  const um = abrir({ servidores: nomes.servidores })
  const parar = new AbortController()
  const mudos = Array.from({ length: 64 }, (_, i) =>
    enviar(um, `https://h${i}.mudo.example/`, parar.signal, 'atacante'),
  )
  await waitFor(() => nomes.perguntas.length > 0)
  for (let i = 0; i < 20; i += 1) {
    const { status } = await enviar(um, com.em(`v${i}.loja.example`), undefined, 'vitima')
    expect(status).toBe(200)
  }
  expect(new Set(nomes.perguntas.filter((nome) => nome.includes('mudo'))).size).toBe(8)
  parar.abort()
  for (const { interrompido } of await Promise.all(mudos)) expect(interrompido).toBe(true)
})

test('a name server that says nothing is left within the time of the attempt, which does not count', async () => {
  const { servidores } = await abrirNomes(() => 'calado')
  const [curta, inteira] = [abrir({ servidores, limiteMs: 100 }), abrir({ servidores })]
  for (const um of [curta, inteira]) {
    const enviado = await enviar(um, 'https://mudo.example/')
    expect(enviado).toMatchObject({ erro: 'nome não resolvido', semEndereco: true, interrompido: false })
    expect(enviado.duracaoMs).toBeLessThan(15_000)
  }
})

test('the names of this machine are asked of nobody, and only where development allows them', async () => {
  const nomes = await abrirNomes(() => ['10.0.0.1'])
  const um = abrir({ servidores: nomes.servidores })
  expect((await enviar(um, receptor.em('localhost'))).status).toBe(200)
  expect((await enviar(um, receptor.em('loja.localhost'))).status).toBe(200)
  expect(nomes.perguntas).toEqual([])
})

test('idle connections to ever new receivers are not kept without bound', async () => {
  const um = abrir()
  const abertas = new Set<number>()
  receptor.responder(({ path }) => {
    abertas.add(Number(path.slice(1)))
    return 200
  })
  const contar = () => receptor.conexoes()
  for (let lote = 0; lote < 12; lote += 1) {
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => enviar(um, receptor.em(`h${lote * 50 + i}.localhost`, `/${lote * 50 + i}`))),
    )
  }
  await waitFor(async () => (await contar()) <= 512)
  expect([abertas.size, await contar()]).toEqual([600, 512])
})

test('a URL that may not be a target any more is not even resolved', async () => {
  const nomes = await abrirNomes(() => ['127.0.0.1'])
  const enviado = await enviar(abrir({ permiteLoopback: false, servidores: nomes.servidores }))
  expect(enviado).toMatchObject({ status: undefined, erro: 'Deve começar com https://.' })
  expect([receptor.recebidas, nomes.perguntas]).toEqual([[], []])
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
