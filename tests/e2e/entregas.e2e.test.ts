import { afterEach, expect, it } from 'vitest'
import { createOuvinte, type OuvinteDeTeste } from '../../apps/entregas/test/ouvinte.ts'
import { type Entregas, startEntregas } from '../stage/entregas.ts'
import { waitFor } from '../stage/wait-for.ts'

let entregas: Entregas | undefined
let ouvintes: OuvinteDeTeste[] = []
afterEach(async () => {
  await Promise.all(ouvintes.map((um) => um.fechar()))
  ouvintes = []
  await entregas?.stop()
  entregas = undefined
})

const WAIT_MS = 60_000
const post = (corpo: object, headers: object): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(corpo),
})

it('the original’s three calls: an order is created, delivered without a hand, and its whole history is read', async () => {
  entregas = await startEntregas(1, { ENTREGAS_ATRASO_MS: '50' })
  const url = entregas.instancias[0]?.url ?? ''
  const headers = await entregas.como('loja')
  const pedido = { customer_name: 'Ana Souza', address: 'Rua das Flores, 10, São Paulo' }

  const criado = await fetch(`${url}/orders`, post(pedido, headers))
  const novo = (await criado.json()) as { id: string; created_at: string }
  expect([criado.status, criado.headers.get('location')]).toEqual([201, `/orders/${novo.id}`])
  expect(novo).toEqual({ id: expect.any(String), ...pedido, status: 'RECEIVED', created_at: expect.any(String) })

  const ler = async (caminho: string) => (await fetch(`${url}/orders/${novo.id}${caminho}`, { headers })).json()
  await waitFor(async () => ((await ler('')) as { status: string }).status === 'DELIVERED', { timeoutMs: WAIT_MS })
  expect(await ler('')).toEqual({
    ...novo,
    status: 'DELIVERED',
    version: 3,
    updated_at: expect.any(String),
  })

  const eventos = (await ler('/events')) as { timestamp: string }[]
  expect(eventos).toMatchObject(
    ['RECEIVED', 'IN_TRANSIT', 'DELIVERED'].map((status, i) => ({
      id: expect.any(String),
      order_id: novo.id,
      status,
      timestamp: expect.any(String),
      seq: i + 1,
    })),
  )
  const momentos = eventos.map(({ timestamp }) => Date.parse(timestamp))
  expect(momentos).toEqual(momentos.toSorted((a, b) => a - b))
  expect(eventos[0]?.timestamp).toBe(novo.created_at)
})

/** Events of the order, half of them before the instance of the listeners is killed. */
const EVENTOS = 60

it('live streams across an instance that is killed: with Last-Event-ID no event is missed and none told twice', async () => {
  entregas = await startEntregas(2, { ENTREGAS_FLUXO: 'manual' })
  const [primeira, segunda] = entregas.instancias
  if (primeira === undefined || segunda === undefined) throw new Error('two instances were started')
  const headers = await entregas.como('loja')
  const criado = await fetch(`${segunda.url}/orders`, post({ customer_name: 'Ana', address: 'Rua A' }, headers))
  const { id } = (await criado.json()) as { id: string }
  const aberto = await fetch(`${segunda.url}/orders/${id}/tracking`, { method: 'POST', headers })
  const { url: pagina } = (await aberto.json()) as { url: string }

  let viva = primeira.url
  ouvintes = [
    createOuvinte(() => `${viva}/orders/${id}/stream`, headers),
    createOuvinte(() => `${viva}/orders/${id}/stream`, headers),
    createOuvinte(() => `${viva}${pagina}/stream`),
  ]
  const ate = (seq: number) =>
    waitFor(() => ouvintes.every(({ ouvidos }) => ouvidos.length >= seq), { timeoutMs: WAIT_MS, what: `event ${seq}` })
  await ate(1)
  for (let seq = 2; seq <= EVENTOS; seq += 1) {
    if (seq === EVENTOS / 2) {
      // What the listeners have got by now differs; nobody waits for them.
      await primeira.end('SIGKILL')
      viva = segunda.url
    }
    const occurred_at = new Date(Date.UTC(2025, 0, 1, 0, 0, seq)).toISOString()
    const nota = post({ type: 'BLQ', status: 1, occurred_at }, headers)
    expect((await fetch(`${segunda.url}/orders/${id}/carrier-events`, nota)).status).toBe(200)
  }
  await ate(EVENTOS)
  const todos = Array.from({ length: EVENTOS }, (_, i) => String(i + 1))
  for (const um of ouvintes) {
    expect(um.ouvidos.map((ouvido) => ouvido.id)).toEqual(todos)
    expect(um.aberturas()).toBeGreaterThan(1)
  }
  const eventos = await (await fetch(`${segunda.url}/orders/${id}/events`, { headers })).json()
  expect(ouvintes[0]?.ouvidos.map(({ data }) => data)).toEqual(eventos)
})
