import { describe, expect, test } from 'vitest'
import type { Evento } from '../domain/evento.ts'
import { STATUSES, type Status } from '../domain/status.ts'
import { ESTILO } from './estilo.ts'
import { paginaDoRastreio, paginaNaoEncontrada } from './pagina.ts'
import { type Rastreio, rastreioDe } from './rastrear.ts'
import { hashDoToken, novoToken } from './token.ts'

const HOSTIL = `"><script>alert('x')</script>&amp;<img src=x onerror=alert(1)>`
const evento: Evento = {
  id: '0198a4c2-0000-7000-8000-000000000001',
  pedidoId: '0198a4c2-0000-7000-8000-000000000002',
  comercianteId: 'loja-secreta',
  seq: 1,
  especie: 'mudanca',
  status: 'DELIVERY_FAILED',
  anterior: 'OUT_FOR_DELIVERY',
  reason: 'absent',
  note: 'nota da Ana',
  location: HOSTIL,
  actor: 'ator-secreto',
  source: 'correios',
  codigo: 'BDE 20',
  informado: undefined,
  tentativas: 1,
  entregas: 0,
  entregueEm: undefined,
  valor: 98_765n,
  occurredAt: new Date('2025-10-16T02:30:00Z'),
  createdAt: new Date('2025-10-16T03:00:00Z'),
  rastro: undefined,
}
const mostrar = async (rastreio: Rastreio) => `${await paginaDoRastreio(rastreio)}`
const pagina = (um: Partial<Evento> = {}) => mostrar(rastreioDe('DELIVERY_FAILED', [{ ...evento, ...um }]))

describe('the public page', () => {
  test('shows nothing that somebody wrote, not as text either', async () => {
    const texto = await pagina()
    for (const perigo of ['alert', '<img', '&lt;img', "('x')"]) expect(texto).not.toContain(perigo)
    expect(await pagina({ location: 'CDD CENTRO - SAO PAULO / SP' })).toContain('Ninguém estava no local. São Paulo/SP')
  })

  test('shows words as words, whatever they are', async () => {
    const quando = new Date(0)
    const rastreio = rastreioDe('RECEIVED', [{ ...evento, status: 'RECEIVED' }])
    const hostis = { titulo: HOSTIL, frase: HOSTIL, passos: [{ titulo: HOSTIL, detalhe: HOSTIL, quando }] }
    const texto = await mostrar({ ...rastreio, ...hostis, fases: [{ titulo: HOSTIL, estado: 'atual' }] })
    expect(texto).not.toMatch(/<script>|<img/)
    const mostrado =
      '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;&lt;img src=x onerror=alert(1)&gt;'
    expect(texto.split(mostrado)).toHaveLength(7)
  })

  test('shows neither note, actor, merchant, value nor the merchant’s own words about a place', async () => {
    const texto = await pagina({ source: 'api', location: 'Rua da Ana, 10' })
    for (const segredo of ['nota da Ana', 'ator-secreto', 'loja-secreta', '987', 'Rua da Ana', evento.pedidoId]) {
      expect(texto).not.toContain(segredo)
    }
  })

  test('tells times by the clock of São Paulo, and machines exactly', async () => {
    expect(await pagina()).toContain('<time datetime="2025-10-16T02:30:00.000Z">15 de outubro de 2025 às 23:30</time>')
  })

  test('has one h1, a list of steps with times, and a live region', async () => {
    const texto = await pagina()
    expect(texto.match(/<h1>/g)).toHaveLength(1)
    expect(texto).toContain('<html lang="pt-BR">')
    expect(texto).toContain('role="status" aria-live="polite"')
    expect(texto).toContain('Ninguém estava no local.')
    expect(texto).not.toMatch(/<script>|style="| on\w+="/)
  })

  test('passes over notes, says what was corrected, and puts the newest first', () => {
    const { passos } = rastreioDe('IN_TRANSIT', [
      { ...evento, status: 'RECEIVED', reason: undefined, location: undefined },
      { ...evento, especie: 'nota', status: 'RECEIVED' },
      { ...evento, status: 'DELIVERED', reason: undefined, location: undefined },
      { ...evento, especie: 'correcao', status: 'IN_TRANSIT', reason: undefined, location: undefined },
    ])
    expect(passos.map(({ titulo }) => titulo)).toEqual(['Correção: Em transporte', 'Entregue', 'Pedido recebido'])
  })

  test('says by words how far the parcel is on its usual way, and nothing of that where it has left it', async () => {
    const emFases = (status: Status) => rastreioDe(status, [{ ...evento, status }]).fases.map(({ estado }) => estado)
    expect(emFases('IN_TRANSIT')).toEqual(['feita', 'atual', 'futura', 'futura'])
    expect(emFases('DELIVERED')).toEqual(['feita', 'feita', 'feita', 'atual'])
    expect(await pagina()).toContain('<li class="atual" aria-current="step">Perto de você</li>')
    expect(await pagina()).toContain('A caminho<span class="oculto">: concluído</span>')
    for (const status of ['RETURNING', 'RETURNED', 'CANCELLED', 'LOST', 'DAMAGED'] as const) {
      expect(await mostrar(rastreioDe(status, [{ ...evento, status }]))).toContain('<div id="andamento"></div>')
    }
  })

  test('has words for every status, and stops updating at the end', async () => {
    for (const status of STATUSES) {
      const texto = await mostrar(rastreioDe(status, [{ ...evento, status }]))
      expect(texto).not.toContain('undefined')
      const encerrado = ['DELIVERED', 'RETURNED', 'CANCELLED', 'LOST', 'DAMAGED'].includes(status)
      expect(texto.includes('<script ')).toBe(!encerrado)
    }
    expect(`${await paginaNaoEncontrada()}`).toContain('<h1>Rastreio não encontrado</h1>')
  })
})

test('a token has 192 random bits, and what could be none is not even looked for', () => {
  const tokens = Array.from({ length: 50 }, novoToken)
  expect(new Set(tokens).size).toBe(50)
  for (const token of tokens) expect([token.length, hashDoToken(token)?.length]).toEqual([32, 64])
  for (const forjado of ['', 'a', `${tokens[0]}a`, `${tokens[0]?.slice(1)}'`, '../../etc/passwd']) {
    expect(hashDoToken(forjado)).toBeUndefined()
  }
})

const CORES = /--(\w+): (#\w{6});/g
const luz = (cor: string): number => {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => {
    const canal = Number.parseInt(cor.slice(i, i + 2), 16) / 255
    return canal <= 0.04045 ? canal / 12.92 : ((canal + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
const contraste = (a: string, b: string): number => {
  const [claro = 0, escuro = 0] = [luz(a), luz(b)].toSorted((x, y) => y - x)
  return (claro + 0.05) / (escuro + 0.05)
}

test('text has a contrast of 7:1 and lines of 3:1 in both schemes (WCAG 2.2)', () => {
  const esquemas = ESTILO.split('@media (prefers-color-scheme: dark)').map(
    (css) => new Map([...css.matchAll(CORES)].map(([, nome = '', cor = '']) => [nome, cor])),
  )
  expect(esquemas).toHaveLength(2)
  for (const cores of esquemas) {
    for (const nome of ['fundo', 'cartao']) {
      const fundo = cores.get(nome) ?? ''
      for (const texto of ['texto', 'suave', 'marca'])
        expect(contraste(cores.get(texto) ?? '', fundo)).toBeGreaterThanOrEqual(7)
      expect(contraste(cores.get('linha') ?? '', fundo)).toBeGreaterThanOrEqual(3)
    }
  }
})
