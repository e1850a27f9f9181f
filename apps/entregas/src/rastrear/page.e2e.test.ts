import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type Ask, json } from '@fluxo/tests/stage/doors'
import { mover, receber } from '@fluxo/tests/stage/orders'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser, findBrowser } from '../../test/browser.ts'
import { type Cluster, createCluster, type Instance } from '../../test/cluster.ts'

const program = findBrowser()
if (program === undefined)
  console.warn('SKIPPED: no chromium on the PATH, so the tracking page was not tried in a real browser.')

const TAB = 9
const HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
const WIDTHS = [320, 1280]

describe.skipIf(program === undefined)('the tracking page in a real browser', () => {
  let cluster: Cluster
  let node: Instance
  let ask: Ask
  let browser: Awaited<ReturnType<typeof createBrowser>>
  let axe: string
  beforeAll(async () => {
    cluster = await createCluster()
    node = await cluster.open('a')
    ask = await node.askAs('loja')
    browser = await createBrowser(program ?? '')
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  })
  afterAll(async () => {
    await browser.close()
    await cluster.close()
  })

  const openPage = async (pedido: string): Promise<string> => {
    const { url } = (await (await ask(`/orders/${pedido}/tracking`, { method: 'POST' })).json()) as { url: string }
    return node.url + url
  }
  const pedidoWithHistory = async (): Promise<string> => {
    const pedido = await receber(ask, { customer_name: HOSTILE, address: HOSTILE })
    await mover(ask, pedido, 'SEPARATED', { note: HOSTILE })
    await mover(ask, pedido, 'IN_TRANSIT')
    const local = `Unidade ${'W'.repeat(80)} ${HOSTILE}`
    const body = { type: 'OEC', status: 0, occurred_at: new Date().toISOString(), location: local }
    const answer = await ask(`/orders/${pedido}/carrier-events`, json(body))
    expect(answer.status).toBe(200)
    return pedido
  }

  test.each(WIDTHS.flatMap((width) => [false, true].map((dark) => ({ width, dark }))))(
    'is readable and sound for everybody at $width px, dark: $dark',
    async (screen) => {
      const tab = await browser.open()
      await tab.setScreen(screen)
      await tab.goTo(await openPage(await pedidoWithHistory()))
      expect(
        await tab.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
      ).toBeLessThanOrEqual(0)
      const background = await tab.evaluate<string>('getComputedStyle(document.body).backgroundColor')
      expect(background).toBe(screen.dark ? 'rgb(16, 22, 28)' : 'rgb(244, 246, 248)')
      const violations = await tab.evaluate<string[]>(
        `${axe};axe.run().then(({ violations }) => violations.map(({ id, impact }) => id + ' ' + impact))`,
      )
      expect(violations).toEqual([])
      expect((await tab.screenshot()).length).toBeGreaterThan(1_000)
      expect(tab.complaints).toEqual([])
      await tab.close()
    },
  )

  test('updates itself while it is read, keeps the focus, and says the new status once', async () => {
    const pedido = await pedidoWithHistory()
    const tab = await browser.open()
    await tab.goTo(await openPage(pedido))
    await tab.press('Tab', TAB)
    const focused = `document.activeElement.textContent + getComputedStyle(document.activeElement).outlineStyle`
    expect(await tab.evaluate<string>(focused)).toBe('Atualizar agorasolid')
    await tab.evaluate(`
      window.mesma = true
      window.ditos = []
      new MutationObserver(() => window.ditos.push(document.getElementById('situacao').textContent.trim()))
        .observe(document.getElementById('situacao'), { childList: true })`)
    await mover(ask, pedido, 'DELIVERY_FAILED', { reason: 'absent' })
    const now = `document.querySelector('.agora').textContent`
    await waitFor(async () => (await tab.evaluate<string>(now)) === 'Tentativa de entrega sem sucesso', {
      timeoutMs: 20_000,
    })
    expect(await tab.evaluate<string>('document.querySelector("#passos li .detalhe").textContent')).toBe(
      'Ninguém estava no local.',
    )
    expect(await tab.evaluate<boolean>('window.mesma')).toBe(true)
    expect(await tab.evaluate<string>('document.activeElement.textContent')).toBe('Atualizar agora')
    expect(await tab.evaluate<string[]>('window.ditos')).toHaveLength(1)
    expect(await tab.evaluate<number>('document.querySelectorAll("h1").length')).toBe(1)
    await mover(ask, pedido, 'AVAILABLE_FOR_PICKUP')
    await mover(ask, pedido, 'DELIVERED')
    await waitFor(async () => (await tab.evaluate<string>('document.title')).startsWith('Entregue'), {
      timeoutMs: 20_000,
    })
    await waitFor(async () => (await node.registry.metrics()).includes('fluxo_acompanhar_ouvintes 0'), {
      timeoutMs: 20_000,
    })
    expect(tab.complaints).toEqual([])
  })

  test('without JavaScript tells the same, and is read anew by its link', async () => {
    const pedido = await pedidoWithHistory()
    const tab = await browser.open()
    await tab.withoutScript()
    const url = await openPage(pedido)
    await tab.goTo(url)
    const passos = 'document.querySelectorAll("#passos li").length'
    expect(await tab.evaluate<number>(passos)).toBe(4)
    await mover(ask, pedido, 'DELIVERED')
    expect(await tab.evaluate<string>('document.querySelector("#atualizar a").href')).toBe(url)
    await tab.goTo(url)
    expect(await tab.evaluate<number>(passos)).toBe(5)
    expect(tab.complaints).toEqual([])
  })
})
