import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { type Ask, json } from '@fluxo/tests/stage/doors'
import { mover, receber } from '@fluxo/tests/stage/orders'
import { createSseClient } from '@fluxo/tests/stage/sse-client'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Cluster, createCluster, type Instance } from '../../test/cluster.ts'

const HOSTILE = '<script>alert(1)</script>'

let cluster: Cluster
let node: Instance
let ask: Ask
beforeEach(async () => {
  cluster = await createCluster()
  node = await cluster.open('a')
  ask = await node.askAs('loja')
})
afterEach(() => cluster.close())

const open = async (pedido: string): Promise<string> => {
  const answer = await ask(`/orders/${pedido}/tracking`, { method: 'POST' })
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store'])
  const { token, url } = (await answer.json()) as { token: string; url: string }
  expect([url, answer.headers.get('location')]).toEqual([`/track/${token}`, `/track/${token}`])
  return `${node.url}${url}`
}

test('whoever has the address sees where the parcel is, and nothing of whom and what', async () => {
  const pedido = await receber(ask, {
    customer_name: `Ana ${HOSTILE}`,
    address: `Rua ${HOSTILE}`,
    valor: 98765.43,
    referencia: 'NF-secreta',
  })
  await mover(ask, pedido, 'SEPARATED', { note: `frágil ${HOSTILE}`, location: `casa ${HOSTILE}` })
  const scam =
    'Ana Souza, Rua das Flores 10, CPF 123.456.789-09. Pague a taxa em https://evil.example/pix \u202E\u200B<script>'
  for (const [type, status, location] of [
    ['RO', 0, `Unidade ${HOSTILE}`],
    ['OEC', 0, scam],
    ['BDE', 20, 'CDD DA ANA - SAO PAULO / SP'],
  ]) {
    const body = { type, status, occurred_at: new Date().toISOString(), location }
    expect((await ask(`/orders/${pedido}/carrier-events`, json(body))).status).toBe(200)
  }
  const answer = await fetch(await open(pedido))
  const text = await answer.text()
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(text).toContain('Saiu para entrega')
  // Of a place that is a city and its state these alone are shown, in our words; of any other nothing is.
  expect(text.match(/class="detalhe">[^<]*/g)).toEqual(['class="detalhe">Ninguém estava no local. São Paulo/SP'])
  for (const secret of [
    HOSTILE,
    'alert(1)',
    'evil',
    'CPF',
    'CDD',
    '\u202E',
    '\u200B',
    'Ana',
    'ANA',
    'Rua',
    '98765',
    'NF-secreta',
    'frágil',
    'casa',
    pedido,
  ]) {
    expect(text).not.toContain(secret)
  }
  const csp = answer.headers.get('content-security-policy') ?? ''
  expect(csp).toMatch(/^default-src 'none';/)
  expect(csp).not.toContain('unsafe')
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex, nofollow',
  })
})

test('its files are its own, and nothing in it is inline', async () => {
  const text = await (await fetch(await open(await receber(ask)))).text()
  const files = [...text.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, path = '']) => path)
  expect(files).toEqual(['/rastreio/pagina.css', '/rastreio/pagina.js'])
  for (const [i, type] of ['text/css; charset=utf-8', 'text/javascript; charset=utf-8'].entries()) {
    const answer = await fetch(`${node.url}${files[i]}`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, type])
    expect((await answer.text()).length).toBeGreaterThan(100)
  }
})

test('a new token ends the one before, a revoked one opens nothing, and neither do forged ones', async () => {
  const pedido = await receber(ask)
  const first = await open(pedido)
  const segundo = await open(pedido)
  expect([(await fetch(first)).status, (await fetch(segundo)).status]).toEqual([404, 200])
  const sql = createSql({ url: cluster.database.ownerUrl, max: 1, name: 'teste' })
  const stored = JSON.stringify(await sql`select encode(token_sha256, 'escape') as t from rastreio`)
  await closeSql(sql)
  expect(stored).not.toContain(segundo.split('/').at(-1))
  for (let round = 0; round < 2; round += 1) {
    expect((await ask(`/orders/${pedido}/tracking`, { method: 'DELETE' })).status).toBe(204)
  }
  const closed = await fetch(segundo, { headers: { accept: 'text/html,*/*;q=0.8' } })
  expect(closed.status).toBe(404)
  expect(await closed.text()).toContain('<h1>Rastreio não encontrado</h1>')
  const forPrograms = await fetch(segundo)
  expect([forPrograms.status, forPrograms.headers.get('content-type')]).toEqual([404, 'application/problem+json'])
  for (const forged of [
    'a',
    'A'.repeat(32),
    `${pedido}`,
    encodeURIComponent("' or ''='"),
    '%3Cscript%3E',
    'A'.repeat(5_000),
  ]) {
    expect([forged, (await fetch(`${node.url}/track/${forged}`)).status]).toEqual([forged, 404])
    expect((await fetch(`${node.url}/track/${forged}/stream`)).status).toBe(404)
  }
})

test('only the merchant of an order opens or closes its page', async () => {
  const pedido = await receber(ask)
  const other = await node.askAs('outra')
  for (const method of ['POST', 'DELETE']) {
    expect((await other(`/orders/${pedido}/tracking`, { method })).status).toBe(404)
    expect((await fetch(`${node.url}/orders/${pedido}/tracking`, { method })).status).toBe(401)
    expect((await ask('/orders/nada/tracking', { method })).status).toBe(404)
  }
})

test('the page’s stream tells the status, nothing that was written, and ends with the token', async () => {
  const pedido = await receber(ask)
  const url = await open(pedido)
  const listener = createSseClient(() => `${url}/stream`)
  try {
    await waitFor(() => listener.heard.length === 1)
    await mover(ask, pedido, 'IN_TRANSIT', { note: 'para a Ana', location: 'Rua A' })
    await waitFor(() => listener.heard.length === 2)
    expect(listener.heard[1]?.data).toEqual({
      status: 'IN_TRANSIT',
      seq: 2,
      timestamp: expect.any(String),
      occurred_at: expect.any(String),
    })
    await ask(`/orders/${pedido}/tracking`, { method: 'DELETE' })
    await waitFor(() => listener.status() === 404, { what: 'the stream to end with its token' })
  } finally {
    await listener.close()
  }
})
