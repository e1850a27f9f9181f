import { particaoDe } from '@fluxo/shared/log/particao'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bancada, createBancada, json, type PedidoLido } from '../../test/bancada.ts'

const PARTICOES = 2
let bancada: Bancada
beforeAll(async () => {
  bancada = await createBancada({ particoes: PARTICOES })
})
afterAll(() => bancada?.fechar())

const NOVO = { customer_name: 'Ana', address: 'Rua A' }
const csv = (linhas: readonly string[]): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'text/csv' },
  body: ['customer_name,address,referencia', ...linhas].join('\n'),
})
const posicao = (resposta: Response) => [resposta.status, resposta.headers.get('fluxo-posicao')]

/** Where the merchant's newest event stands, as the log itself says. */
const ultima = async (comercianteId: string): Promise<string> => {
  const [linha] = await bancada.sql<{ particao: number; posicao: number }[]>`
    select particao::int, posicao::int from evento where comerciante_id = ${comercianteId} order by posicao desc limit 1`
  expect(linha?.particao).toBe(particaoDe(comercianteId, PARTICOES))
  return `pedidos:${linha?.particao}:${linha?.posicao}`
}

const LOJAS = ['loja-a', 'loja-b', 'loja-c', 'loja-d', 'loja-e']
const duas = [0, 1].map((particao) => LOJAS.find((loja) => particaoDe(loja, PARTICOES) === particao) ?? 'none')

test.each(duas)('every answer that moved an order says where its event stands in the orders’ log: %s', async (loja) => {
  const pedir = await bancada.como(loja)

  const criado = await pedir('/orders', json(NOVO, { 'idempotency-key': 'k-1' }))
  expect(posicao(criado)).toEqual([201, await ultima(loja)])
  const { id } = (await criado.json()) as PedidoLido

  const movido = await pedir(`/orders/${id}/transitions`, json({ status: 'IN_TRANSIT' }))
  expect(posicao(movido)).toEqual([200, await ultima(loja)])

  // Two events: the one that is told, and what it leaves out before it.
  const informe = { type: 'BDE', status: 20, occurred_at: bancada.relogio.agora.toISOString() }
  const informado = await pedir(`/orders/${id}/carrier-events`, json(informe))
  expect(posicao(informado)).toEqual([200, await ultima(loja)])

  const cancelado = await pedir(`/orders/${id}/cancel`, { method: 'POST' })
  expect(posicao(cancelado)).toEqual([200, await ultima(loja)])

  const importado = await pedir('/orders/importacoes', csv(['Ana,Rua A,', 'Bia,Rua B,r-1']))
  expect(posicao(importado)).toEqual([200, await ultima(loja)])
})

test('what is sent again answers with the place of then, and a file of which nothing was stored with none', async () => {
  const pedir = await bancada.como('de-novo')
  const chave = (n: number) => ({ 'idempotency-key': `k-${n}` })
  const { id } = (await (await pedir('/orders', json(NOVO, chave(0)))).json()) as PedidoLido
  const informe = { type: 'PAR', status: 18, occurred_at: bancada.relogio.agora.toISOString() }
  const envios = [
    () => pedir('/orders', json(NOVO, chave(1))),
    () => pedir(`/orders/${id}/transitions`, json({ status: 'IN_TRANSIT' }, chave(2))),
    () => pedir(`/orders/${id}/carrier-events`, json(informe)),
    () => pedir(`/orders/${id}/cancel`, { method: 'POST', headers: chave(3) }),
    () => pedir('/orders/importacoes', csv(['Ana,Rua A,', 'Bia,Rua B,r-1'])),
  ]
  const primeiras = []
  for (const enviar of envios) primeiras.push(posicao(await enviar()))
  expect(new Set(primeiras.map(([, onde]) => onde)).size).toBe(envios.length)
  for (const [i, enviar] of envios.entries()) expect(posicao(await enviar())).toEqual(primeiras[i])

  expect(posicao(await pedir('/orders/importacoes', csv(['Outra,Rua A,r-1'])))).toEqual([200, null])
})
