import { signToken } from '@fluxo/shared/http/tokens'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { json } from '../../test/bancada.ts'
import { type Casa, createCasa, type Instancia, mover, type Pedir, receber } from '../../test/casa.ts'
import { SEGREDO } from '../../test/instancia.ts'
import { createOuvinte, type OuvinteDeTeste } from '../../test/ouvinte.ts'

let casa: Casa
let uma: Instancia
let pedir: Pedir
let authorization: string
let ouvintes: OuvinteDeTeste[]
beforeEach(async () => {
  casa = await createCasa()
  uma = await casa.abrir('a')
  pedir = await uma.como('loja')
  ouvintes = []
  const scopes = ['entregas:ler']
  authorization = `Bearer ${await signToken({ secret: SEGREDO, comercianteId: 'loja', scopes, expiresInSeconds: 600 })}`
})
afterEach(async () => {
  await Promise.all(ouvintes.map((um) => um.fechar()))
  await casa.fechar()
})

const acompanhar = (enderecos: () => string, headers: Record<string, string> = {}): OuvinteDeTeste => {
  const um = createOuvinte(enderecos, { authorization, ...headers })
  ouvintes.push(um)
  return um
}
const seqs = ({ ouvidos }: OuvinteDeTeste) => ouvidos.map(({ id }) => Number(id))
const ate = (um: OuvinteDeTeste, seq: number) =>
  waitFor(() => seqs(um).at(-1) === seq, { timeoutMs: 20_000, what: `event ${seq}, have ${seqs(um).join()}` })
/** An order that can change as often as a test wants: notes of the carrier change no status. */
const anotar = async (por: Pedir, pedido: string, n: number): Promise<void> => {
  const corpo = json({ type: 'BLQ', status: 1, occurred_at: new Date(Date.UTC(2025, 0, 1, 0, 0, n)).toISOString() })
  const resposta = await por(`/orders/${pedido}/carrier-events`, corpo)
  expect(resposta.status).toBe(200)
}
const ate_ = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

test('a stream tells the history and then what happens, in the words of GET /orders/{id}/events', async () => {
  const pedido = await receber(pedir)
  await mover(pedir, pedido, 'SEPARATED')
  const um = acompanhar(() => `${uma.url}/orders/${pedido}/stream`)
  await ate(um, 2)
  await mover(pedir, pedido, 'IN_TRANSIT', { note: 'saiu\u2028"já"', location: 'São Paulo' })
  await ate(um, 3)
  expect(um.linhas[0]).toBe('retry: 3000')
  expect(um.ouvidos.every(({ event }) => event === 'order.status')).toBe(true)
  expect(um.ouvidos.map(({ data }) => data)).toEqual(await (await pedir(`/orders/${pedido}/events`)).json())
  const resposta = await pedir(`/orders/${pedido}/stream`)
  expect(Object.fromEntries(resposta.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  await resposta.body?.cancel()
  await waitFor(async () => (await uma.registry.metrics()).includes('fluxo_acompanhar_ouvintes 1'))
})

test('a stream goes on after Last-Event-ID, which must be a number', async () => {
  const pedido = await receber(pedir)
  for (const n of ate_(4)) await anotar(pedir, pedido, n)
  const um = acompanhar(() => `${uma.url}/orders/${pedido}/stream`, { 'last-event-id': '3' })
  await ate(um, 5)
  expect(seqs(um)).toEqual([4, 5])
  const adiante = acompanhar(() => `${uma.url}/orders/${pedido}/stream`, { 'last-event-id': '999' })
  await waitFor(() => adiante.aberturas() === 1)
  await anotar(pedir, pedido, 5)
  await ate(adiante, 6)
  expect(seqs(adiante)).toEqual([6])
  const forjado = await pedir(`/orders/${pedido}/stream`, { headers: { 'last-event-id': '1 or 1=1' } })
  expect(forjado.status).toBe(400)
})

test('what happens at one instance is heard at another at once, not by looking into the database now and then', async () => {
  const outra = await casa.abrir('b')
  const pedido = await receber(pedir)
  const um = acompanhar(() => `${outra.url}/orders/${pedido}/stream`)
  await ate(um, 1)
  // Which of the two ways brought it shows in time only: over many events, the look every 2 s would take far longer.
  const inicio = performance.now()
  for (const n of ate_(20)) {
    await anotar(pedir, pedido, n)
    await ate(um, n + 1)
  }
  expect(performance.now() - inicio).toBeLessThan(20_000)
  expect(seqs(um)).toEqual(ate_(21))
})

test('two clients across an instance that is cut off miss nothing and hear nothing twice', async () => {
  const outra = await casa.abrir('b')
  const pedido = await receber(pedir)
  let viva = uma
  const dois = [
    acompanhar(() => `${viva.url}/orders/${pedido}/stream`),
    acompanhar(() => `${viva.url}/orders/${pedido}/stream`),
  ]
  const doB = await outra.como('loja')
  for (const n of ate_(60)) {
    if (n === 20) {
      viva = outra
      void uma.cortar()
    }
    await anotar(doB, pedido, n)
  }
  for (const um of dois) {
    await ate(um, 61)
    expect(seqs(um)).toEqual(ate_(61))
    expect(um.aberturas()).toBeGreaterThan(1)
  }
})

test('Redis loses its streams, and no listener misses anything', async () => {
  const pedido = await receber(pedir)
  const um = acompanhar(() => `${uma.url}/orders/${pedido}/stream`)
  await ate(um, 1)
  for (const n of ate_(30)) {
    if (n % 10 === 0) await uma.redis.commands.unlink(`${casa.streamPrefix}:{0}`)
    await anotar(pedir, pedido, n)
  }
  await ate(um, 31)
  expect(seqs(um)).toEqual(ate_(31))
})

test('an entry of the stream that is no event of the log is told to nobody', async () => {
  const pedido = await receber(pedir)
  const um = acompanhar(() => `${uma.url}/orders/${pedido}/stream`)
  await ate(um, 1)
  const key = `${casa.streamPrefix}:{0}`
  await waitFor(async () => (await uma.redis.commands.xlen(key)) === 1)
  await uma.redis.commands.xadd(key, '2-0', 'e', `{"data":{"order_id":"${pedido}","seq":2,"status":"DELIVERED"}}`)
  await uma.redis.commands.xadd(key, '3-0', 'e', `not json "order_id":"${pedido}"`)
  for (const n of ate_(5)) await anotar(pedir, pedido, n)
  await ate(um, 6)
  expect(seqs(um)).toEqual(ate_(6))
  expect(um.ouvidos.map(({ data }) => data['status'])).not.toContain('DELIVERED')
})

test('an instance that leaves ends its streams, and opens no more', async () => {
  const pedido = await receber(pedir)
  const resposta = await pedir(`/orders/${pedido}/stream`)
  uma.modulo.leave?.()
  expect(await resposta.text()).toMatch(/^retry: 3000\n\n/)
  expect(await (await pedir(`/orders/${pedido}/stream`)).text()).toBe('retry: 3000\n\n')
})

test('only the merchant of an order listens to it', async () => {
  const pedido = await receber(pedir)
  const outra = await uma.como('outra')
  expect((await outra(`/orders/${pedido}/stream`)).status).toBe(404)
  expect((await pedir('/orders/nada/stream')).status).toBe(404)
  expect((await fetch(`${uma.url}/orders/${pedido}/stream`)).status).toBe(401)
  const semEscopo = await uma.como('loja', ['entregas:escrever'])
  expect((await semEscopo(`/orders/${pedido}/stream`)).status).toBe(403)
})
