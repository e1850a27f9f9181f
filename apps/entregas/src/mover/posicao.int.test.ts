import { particaoOf } from '@fluxo/shared/log/particao-of'
import { json } from '@fluxo/tests/stage/doors'
import type { PedidoAnswer } from '@fluxo/tests/stage/orders'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestApp, type EntregasTestApp } from '../../test/cluster.ts'

const PARTICOES = 2
let testApp: EntregasTestApp
beforeAll(async () => {
  testApp = await createTestApp({ particoes: PARTICOES })
})
afterAll(() => testApp?.close())

const NEW = { customer_name: 'Ana', address: 'Rua A' }
const csv = (lines: readonly string[]): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'text/csv' },
  body: ['customer_name,address,referencia', ...lines].join('\n'),
})
const posicao = (answer: Response) => [answer.status, answer.headers.get('fluxo-posicao')]

/** Where the merchant's newest event stands, as the log itself says. */
const ultima = async (comercianteId: string): Promise<string> => {
  const [line] = await testApp.sql<{ particao: number; posicao: number }[]>`
    select particao::int, posicao::int from evento where comerciante_id = ${comercianteId} order by posicao desc limit 1`
  expect(line?.particao).toBe(particaoOf(comercianteId, PARTICOES))
  return `pedidos:${line?.particao}:${line?.posicao}`
}

const COMERCIANTES = ['loja-a', 'loja-b', 'loja-c', 'loja-d', 'loja-e']
const both = [0, 1].map(
  (particao) => COMERCIANTES.find((comerciante) => particaoOf(comerciante, PARTICOES) === particao) ?? 'none',
)

test.each(both)(
  'every answer that moved an order says where its event stands in the orders’ log: %s',
  async (comerciante) => {
    const ask = await testApp.askAs(comerciante)

    const created = await ask('/orders', json(NEW, { 'idempotency-key': 'k-1' }))
    expect(posicao(created)).toEqual([201, await ultima(comerciante)])
    const { id } = (await created.json()) as PedidoAnswer

    const moved = await ask(`/orders/${id}/transitions`, json({ status: 'IN_TRANSIT' }))
    expect(posicao(moved)).toEqual([200, await ultima(comerciante)])

    // Two events: the one that is told, and what it leaves out before it.
    const informe = { type: 'BDE', status: 20, occurred_at: testApp.clock.now.toISOString() }
    const informado = await ask(`/orders/${id}/carrier-events`, json(informe))
    expect(posicao(informado)).toEqual([200, await ultima(comerciante)])

    const cancelled = await ask(`/orders/${id}/cancel`, { method: 'POST' })
    expect(posicao(cancelled)).toEqual([200, await ultima(comerciante)])

    const imported = await ask('/orders/importacoes', csv(['Ana,Rua A,', 'Bia,Rua B,r-1']))
    expect(posicao(imported)).toEqual([200, await ultima(comerciante)])
  },
)

test('what is sent again answers with the place of then, and a file of which nothing was stored with none', async () => {
  const ask = await testApp.askAs('de-novo')
  const chave = (n: number) => ({ 'idempotency-key': `k-${n}` })
  const { id } = (await (await ask('/orders', json(NEW, chave(0)))).json()) as PedidoAnswer
  const informe = { type: 'PAR', status: 18, occurred_at: testApp.clock.now.toISOString() }
  const sendings = [
    () => ask('/orders', json(NEW, chave(1))),
    () => ask(`/orders/${id}/transitions`, json({ status: 'IN_TRANSIT' }, chave(2))),
    () => ask(`/orders/${id}/carrier-events`, json(informe)),
    () => ask(`/orders/${id}/cancel`, { method: 'POST', headers: chave(3) }),
    () => ask('/orders/importacoes', csv(['Ana,Rua A,', 'Bia,Rua B,r-1'])),
  ]
  const firsts = []
  for (const send of sendings) firsts.push(posicao(await send()))
  expect(new Set(firsts.map(([, place]) => place)).size).toBe(sendings.length)
  for (const [i, send] of sendings.entries()) expect(posicao(await send())).toEqual(firsts[i])

  expect(posicao(await ask('/orders/importacoes', csv(['Outra,Rua A,r-1'])))).toEqual([200, null])
})
