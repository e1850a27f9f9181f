import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json } from '../../test/bancada.ts'
import { type Casa, createCasa, type Instancia, mover, type Pedir, receber } from '../../test/casa.ts'
import { acharNavegador, createNavegador } from '../../test/navegador.ts'

const programa = acharNavegador()
if (programa === undefined)
  console.warn('SKIPPED: no chromium on the PATH, so the tracking page was not tried in a real browser.')

const TAB = 9
const HOSTIL = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
const LARGURAS = [320, 1280]

describe.skipIf(programa === undefined)('the tracking page in a real browser', () => {
  let casa: Casa
  let uma: Instancia
  let pedir: Pedir
  let navegador: Awaited<ReturnType<typeof createNavegador>>
  let axe: string
  beforeAll(async () => {
    casa = await createCasa()
    uma = await casa.abrir('a')
    pedir = await uma.como('loja')
    navegador = await createNavegador(programa ?? '')
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  })
  afterAll(async () => {
    await navegador.fechar()
    await casa.fechar()
  })

  const abrirPagina = async (pedido: string): Promise<string> => {
    const { url } = (await (await pedir(`/orders/${pedido}/tracking`, { method: 'POST' })).json()) as { url: string }
    return uma.url + url
  }
  const pedidoComHistoria = async (): Promise<string> => {
    const pedido = await receber(pedir, { customer_name: HOSTIL, address: HOSTIL })
    await mover(pedir, pedido, 'SEPARATED', { note: HOSTIL })
    await mover(pedir, pedido, 'IN_TRANSIT')
    const local = `Unidade ${'W'.repeat(80)} ${HOSTIL}`
    const corpo = { type: 'OEC', status: 0, occurred_at: new Date().toISOString(), location: local }
    const resposta = await pedir(`/orders/${pedido}/carrier-events`, json(corpo))
    expect(resposta.status).toBe(200)
    return pedido
  }

  test.each(LARGURAS.flatMap((largura) => [false, true].map((escuro) => ({ largura, escuro }))))(
    'is readable and sound for everybody at $largura px, dark: $escuro',
    async (tela) => {
      const aba = await navegador.abrir()
      await aba.tela(tela)
      await aba.ir(await abrirPagina(await pedidoComHistoria()))
      expect(
        await aba.avaliar<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
      ).toBeLessThanOrEqual(0)
      const fundo = await aba.avaliar<string>('getComputedStyle(document.body).backgroundColor')
      expect(fundo).toBe(tela.escuro ? 'rgb(16, 22, 28)' : 'rgb(244, 246, 248)')
      const achados = await aba.avaliar<string[]>(
        `${axe};axe.run().then(({ violations }) => violations.map(({ id, impact }) => id + ' ' + impact))`,
      )
      expect(achados).toEqual([])
      expect((await aba.foto()).length).toBeGreaterThan(1_000)
      expect(aba.queixas).toEqual([])
      await aba.fechar()
    },
  )

  test('updates itself while it is read, keeps the focus, and says the new status once', async () => {
    const pedido = await pedidoComHistoria()
    const aba = await navegador.abrir()
    await aba.ir(await abrirPagina(pedido))
    await aba.tecla('Tab', TAB)
    const focado = `document.activeElement.textContent + getComputedStyle(document.activeElement).outlineStyle`
    expect(await aba.avaliar<string>(focado)).toBe('Atualizar agorasolid')
    await aba.avaliar(`
      window.mesma = true
      window.ditos = []
      new MutationObserver(() => window.ditos.push(document.getElementById('situacao').textContent.trim()))
        .observe(document.getElementById('situacao'), { childList: true })`)
    await mover(pedir, pedido, 'DELIVERY_FAILED', { reason: 'absent' })
    const agora = `document.querySelector('.agora').textContent`
    await waitFor(async () => (await aba.avaliar<string>(agora)) === 'Tentativa de entrega sem sucesso', {
      timeoutMs: 20_000,
    })
    expect(await aba.avaliar<string>('document.querySelector("#passos li .detalhe").textContent')).toBe(
      'Ninguém estava no local.',
    )
    expect(await aba.avaliar<boolean>('window.mesma')).toBe(true)
    expect(await aba.avaliar<string>('document.activeElement.textContent')).toBe('Atualizar agora')
    expect(await aba.avaliar<string[]>('window.ditos')).toHaveLength(1)
    expect(await aba.avaliar<number>('document.querySelectorAll("h1").length')).toBe(1)
    await mover(pedir, pedido, 'AVAILABLE_FOR_PICKUP')
    await mover(pedir, pedido, 'DELIVERED')
    await waitFor(async () => (await aba.avaliar<string>('document.title')).startsWith('Entregue'), {
      timeoutMs: 20_000,
    })
    await waitFor(async () => (await uma.registry.metrics()).includes('fluxo_acompanhar_ouvintes 0'), {
      timeoutMs: 20_000,
    })
    expect(aba.queixas).toEqual([])
  })

  test('without JavaScript tells the same, and is read anew by its link', async () => {
    const pedido = await pedidoComHistoria()
    const aba = await navegador.abrir()
    await aba.semScript()
    const url = await abrirPagina(pedido)
    await aba.ir(url)
    const passos = 'document.querySelectorAll("#passos li").length'
    expect(await aba.avaliar<number>(passos)).toBe(4)
    await mover(pedir, pedido, 'DELIVERED')
    expect(await aba.avaliar<string>('document.querySelector("#atualizar a").href')).toBe(url)
    await aba.ir(url)
    expect(await aba.avaliar<number>(passos)).toBe(5)
    expect(aba.queixas).toEqual([])
  })
})
