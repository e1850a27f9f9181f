import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { json } from '../../test/bancada.ts'
import { type Casa, createCasa, type Instancia, mover, type Pedir, receber } from '../../test/casa.ts'
import { createOuvinte } from '../../test/ouvinte.ts'

const HOSTIL = '<script>alert(1)</script>'

let casa: Casa
let uma: Instancia
let pedir: Pedir
beforeEach(async () => {
  casa = await createCasa()
  uma = await casa.abrir('a')
  pedir = await uma.como('loja')
})
afterEach(() => casa.fechar())

const abrir = async (pedido: string): Promise<string> => {
  const resposta = await pedir(`/orders/${pedido}/tracking`, { method: 'POST' })
  expect([resposta.status, resposta.headers.get('cache-control')]).toEqual([201, 'no-store'])
  const { token, url } = (await resposta.json()) as { token: string; url: string }
  expect([url, resposta.headers.get('location')]).toEqual([`/track/${token}`, `/track/${token}`])
  return `${uma.url}${url}`
}

test('whoever has the address sees where the parcel is, and nothing of whom and what', async () => {
  const pedido = await receber(pedir, {
    customer_name: `Ana ${HOSTIL}`,
    address: `Rua ${HOSTIL}`,
    valor: 98765.43,
    referencia: 'NF-secreta',
  })
  await mover(pedir, pedido, 'SEPARATED', { note: `frágil ${HOSTIL}`, location: `casa ${HOSTIL}` })
  const golpe =
    'Ana Souza, Rua das Flores 10, CPF 123.456.789-09. Pague a taxa em https://evil.example/pix \u202E\u200B<script>'
  for (const [type, status, location] of [
    ['RO', 0, `Unidade ${HOSTIL}`],
    ['OEC', 0, golpe],
    ['BDE', 20, 'CDD DA ANA - SAO PAULO / SP'],
  ]) {
    const corpo = { type, status, occurred_at: new Date().toISOString(), location }
    expect((await pedir(`/orders/${pedido}/carrier-events`, json(corpo))).status).toBe(200)
  }
  const resposta = await fetch(await abrir(pedido))
  const texto = await resposta.text()
  expect([resposta.status, resposta.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(texto).toContain('Saiu para entrega')
  // Of a place that is a city and its state these alone are shown, in our words; of any other nothing is.
  expect(texto.match(/class="detalhe">[^<]*/g)).toEqual(['class="detalhe">Ninguém estava no local. São Paulo/SP'])
  for (const segredo of [
    HOSTIL,
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
    expect(texto).not.toContain(segredo)
  }
  const csp = resposta.headers.get('content-security-policy') ?? ''
  expect(csp).toMatch(/^default-src 'none';/)
  expect(csp).not.toContain('unsafe')
  expect(Object.fromEntries(resposta.headers)).toMatchObject({
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex, nofollow',
  })
})

test('its files are its own, and nothing in it is inline', async () => {
  const texto = await (await fetch(await abrir(await receber(pedir)))).text()
  const arquivos = [...texto.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, caminho = '']) => caminho)
  expect(arquivos).toEqual(['/rastreio/pagina.css', '/rastreio/pagina.js'])
  for (const [i, type] of ['text/css; charset=utf-8', 'text/javascript; charset=utf-8'].entries()) {
    const resposta = await fetch(`${uma.url}${arquivos[i]}`)
    expect([resposta.status, resposta.headers.get('content-type')]).toEqual([200, type])
    expect((await resposta.text()).length).toBeGreaterThan(100)
  }
})

test('a new token ends the one before, a revoked one opens nothing, and neither do forged ones', async () => {
  const pedido = await receber(pedir)
  const primeiro = await abrir(pedido)
  const segundo = await abrir(pedido)
  expect([(await fetch(primeiro)).status, (await fetch(segundo)).status]).toEqual([404, 200])
  const sql = createSql({ url: casa.database.ownerUrl, max: 1, name: 'teste' })
  const guardado = JSON.stringify(await sql`select encode(token_sha256, 'escape') as t from rastreio`)
  await closeSql(sql)
  expect(guardado).not.toContain(segundo.split('/').at(-1))
  for (let vez = 0; vez < 2; vez += 1) {
    expect((await pedir(`/orders/${pedido}/tracking`, { method: 'DELETE' })).status).toBe(204)
  }
  const fechada = await fetch(segundo, { headers: { accept: 'text/html,*/*;q=0.8' } })
  expect(fechada.status).toBe(404)
  expect(await fechada.text()).toContain('<h1>Rastreio não encontrado</h1>')
  const paraProgramas = await fetch(segundo)
  expect([paraProgramas.status, paraProgramas.headers.get('content-type')]).toEqual([404, 'application/problem+json'])
  for (const forjado of [
    'a',
    'A'.repeat(32),
    `${pedido}`,
    encodeURIComponent("' or ''='"),
    '%3Cscript%3E',
    'A'.repeat(5_000),
  ]) {
    expect([forjado, (await fetch(`${uma.url}/track/${forjado}`)).status]).toEqual([forjado, 404])
    expect((await fetch(`${uma.url}/track/${forjado}/stream`)).status).toBe(404)
  }
})

test('only the merchant of an order opens or closes its page', async () => {
  const pedido = await receber(pedir)
  const outra = await uma.como('outra')
  for (const method of ['POST', 'DELETE']) {
    expect((await outra(`/orders/${pedido}/tracking`, { method })).status).toBe(404)
    expect((await fetch(`${uma.url}/orders/${pedido}/tracking`, { method })).status).toBe(401)
    expect((await pedir('/orders/nada/tracking', { method })).status).toBe(404)
  }
})

test('the page’s stream tells the status, nothing that was written, and ends with the token', async () => {
  const pedido = await receber(pedir)
  const url = await abrir(pedido)
  const ouvinte = createOuvinte(() => `${url}/stream`)
  try {
    await waitFor(() => ouvinte.ouvidos.length === 1)
    await mover(pedir, pedido, 'IN_TRANSIT', { note: 'para a Ana', location: 'Rua A' })
    await waitFor(() => ouvinte.ouvidos.length === 2)
    expect(ouvinte.ouvidos[1]?.data).toEqual({
      status: 'IN_TRANSIT',
      seq: 2,
      timestamp: expect.any(String),
      occurred_at: expect.any(String),
    })
    await pedir(`/orders/${pedido}/tracking`, { method: 'DELETE' })
    await waitFor(() => ouvinte.status() === 404, { what: 'the stream to end with its token' })
  } finally {
    await ouvinte.fechar()
  }
})
