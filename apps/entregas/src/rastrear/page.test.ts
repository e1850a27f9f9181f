import { describe, expect, test } from 'vitest'
import type { PedidoEvento } from '../domain/evento.ts'
import { STATUSES, type Status } from '../domain/status.ts'
import { notFoundPage, rastreioPage } from './page.ts'
import { type Rastreio, rastreioOf } from './rastrear.ts'
import { STYLE } from './style.ts'
import { newToken, tokenHash } from './token.ts'

const HOSTILE = `"><script>alert('x')</script>&amp;<img src=x onerror=alert(1)>`
const evento: PedidoEvento = {
  id: '0198a4c2-0000-7000-8000-000000000001',
  pedidoId: '0198a4c2-0000-7000-8000-000000000002',
  comercianteId: 'loja-secreta',
  seq: 1,
  especie: 'change',
  status: 'DELIVERY_FAILED',
  anterior: 'OUT_FOR_DELIVERY',
  reason: 'absent',
  note: 'nota da Ana',
  location: HOSTILE,
  actor: 'ator-secreto',
  source: 'correios',
  codigo: 'BDE 20',
  informado: undefined,
  tentativas: 1,
  entregas: 0,
  deliveredAt: undefined,
  valor: 98_765n,
  occurredAt: new Date('2025-10-16T02:30:00Z'),
  createdAt: new Date('2025-10-16T03:00:00Z'),
  traceparent: undefined,
}
const mostrar = async (rastreio: Rastreio) => `${await rastreioPage(rastreio)}`
const page = (one: Partial<PedidoEvento> = {}) => mostrar(rastreioOf('DELIVERY_FAILED', [{ ...evento, ...one }]))

describe('the public page', () => {
  test('shows nothing that somebody wrote, not as text either', async () => {
    const text = await page()
    for (const danger of ['alert', '<img', '&lt;img', "('x')"]) expect(text).not.toContain(danger)
    expect(await page({ location: 'CDD CENTRO - SAO PAULO / SP' })).toContain('Ninguém estava no local. São Paulo/SP')
  })

  test('shows words as words, whatever they are', async () => {
    const at = new Date(0)
    const rastreio = rastreioOf('RECEIVED', [{ ...evento, status: 'RECEIVED' }])
    const hostis = { title: HOSTILE, sentence: HOSTILE, passos: [{ title: HOSTILE, detail: HOSTILE, at }] }
    const text = await mostrar({ ...rastreio, ...hostis, fases: [{ title: HOSTILE, state: 'current' }] })
    expect(text).not.toMatch(/<script>|<img/)
    const mostrado =
      '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;&lt;img src=x onerror=alert(1)&gt;'
    expect(text.split(mostrado)).toHaveLength(7)
  })

  test('shows neither note, actor, merchant, value nor the merchant’s own words about a place', async () => {
    const text = await page({ source: 'api', location: 'Rua da Ana, 10' })
    for (const secret of ['nota da Ana', 'ator-secreto', 'loja-secreta', '987', 'Rua da Ana', evento.pedidoId]) {
      expect(text).not.toContain(secret)
    }
  })

  test('tells times by the clock of São Paulo, and machines exactly', async () => {
    expect(await page()).toContain('<time datetime="2025-10-16T02:30:00.000Z">15 de outubro de 2025 às 23:30</time>')
  })

  test('has one h1, a list of steps with times, and a live region', async () => {
    const text = await page()
    expect(text.match(/<h1>/g)).toHaveLength(1)
    expect(text).toContain('<html lang="pt-BR">')
    expect(text).toContain('role="status" aria-live="polite"')
    expect(text).toContain('Ninguém estava no local.')
    expect(text).not.toMatch(/<script>|style="| on\w+="/)
  })

  test('passes over notes, says what was corrected, and puts the newest first', () => {
    const { passos } = rastreioOf('IN_TRANSIT', [
      { ...evento, status: 'RECEIVED', reason: undefined, location: undefined },
      { ...evento, especie: 'note', status: 'RECEIVED' },
      { ...evento, status: 'DELIVERED', reason: undefined, location: undefined },
      { ...evento, especie: 'correction', status: 'IN_TRANSIT', reason: undefined, location: undefined },
    ])
    expect(passos.map(({ title }) => title)).toEqual(['Correção: Em transporte', 'Entregue', 'Pedido recebido'])
  })

  test('says by words how far the parcel is on its usual way, and nothing of that where it has left it', async () => {
    const fasesAt = (status: Status) => rastreioOf(status, [{ ...evento, status }]).fases.map(({ state }) => state)
    expect(fasesAt('IN_TRANSIT')).toEqual(['done', 'current', 'coming', 'coming'])
    expect(fasesAt('DELIVERED')).toEqual(['done', 'done', 'done', 'current'])
    expect(await page()).toContain('<li class="atual" aria-current="step">Perto de você</li>')
    expect(await page()).toContain('A caminho<span class="oculto">: concluído</span>')
    for (const status of ['RETURNING', 'RETURNED', 'CANCELLED', 'LOST', 'DAMAGED'] as const) {
      expect(await mostrar(rastreioOf(status, [{ ...evento, status }]))).toContain('<div id="andamento"></div>')
    }
  })

  test('has words for every status, and stops updating at the end', async () => {
    for (const status of STATUSES) {
      const text = await mostrar(rastreioOf(status, [{ ...evento, status }]))
      expect(text).not.toContain('undefined')
      const ended = ['DELIVERED', 'RETURNED', 'CANCELLED', 'LOST', 'DAMAGED'].includes(status)
      expect(text.includes('<script ')).toBe(!ended)
    }
    expect(`${await notFoundPage()}`).toContain('<h1>Rastreio não encontrado</h1>')
  })
})

test('a token has 192 random bits, and what could be none is not even looked for', () => {
  const tokens = Array.from({ length: 50 }, newToken)
  expect(new Set(tokens).size).toBe(50)
  for (const token of tokens) expect([token.length, tokenHash(token)?.length]).toEqual([32, 64])
  for (const forged of ['', 'a', `${tokens[0]}a`, `${tokens[0]?.slice(1)}'`, '../../etc/passwd']) {
    expect(tokenHash(forged)).toBeUndefined()
  }
})

const COLORS = /--(\w+): (#\w{6});/g
const luminance = (color: string): number => {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => {
    const channel = Number.parseInt(color.slice(i, i + 2), 16) / 255
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
const contrast = (a: string, b: string): number => {
  const [lighter = 0, darker = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x)
  return (lighter + 0.05) / (darker + 0.05)
}

test('text has a contrast of 7:1 and lines of 3:1 in both schemes (WCAG 2.2)', () => {
  const schemes = STYLE.split('@media (prefers-color-scheme: dark)').map(
    (css) => new Map([...css.matchAll(COLORS)].map(([, name = '', color = '']) => [name, color])),
  )
  expect(schemes).toHaveLength(2)
  for (const colors of schemes) {
    for (const name of ['fundo', 'cartao']) {
      const background = colors.get(name) ?? ''
      for (const text of ['texto', 'suave', 'marca'])
        expect(contrast(colors.get(text) ?? '', background)).toBeGreaterThanOrEqual(7)
      expect(contrast(colors.get('linha') ?? '', background)).toBeGreaterThanOrEqual(3)
    }
  }
})
