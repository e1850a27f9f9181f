import { json } from '@fluxo/tests/stage/doors'
import type { PedidoAnswer } from '@fluxo/tests/stage/orders'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestApp, type EntregasTestApp } from '../../test/cluster.ts'

let testApp: EntregasTestApp
beforeAll(async () => {
  testApp = await createTestApp({ particoes: 2 })
})
afterAll(() => testApp?.close())

const newPedido = { customer_name: 'Ana', address: 'Rua A, 1' }

test('an order is answered with the fields of the original, and read back as it stands', async () => {
  const ask = await testApp.askAs('loja-1')
  const answer = await ask('/orders', json(newPedido))
  const pedido = (await answer.json()) as PedidoAnswer
  expect(answer.status).toBe(201)
  expect(answer.headers.get('location')).toBe(`/orders/${pedido.id}`)
  expect(pedido).toEqual({ id: pedido.id, ...newPedido, status: 'RECEIVED', created_at: '2025-10-15T12:34:56.789Z' })
  expect(await (await ask(`/orders/${pedido.id}`)).json()).toEqual({
    ...pedido,
    version: 1,
    updated_at: pedido.created_at,
  })
  expect(await (await ask(`/orders/${pedido.id}/events`)).json()).toEqual([
    {
      id: expect.any(String),
      order_id: pedido.id,
      status: 'RECEIVED',
      timestamp: pedido.created_at,
      seq: 1,
      previous_status: null,
      actor: 'loja-1',
      occurred_at: pedido.created_at,
      source: 'api',
    },
  ])
  expect(await (await ask(`/orders/${pedido.id}/events?after=1`)).json()).toEqual([])
})

test('the same key gives the first answer again, for ever and however many at once; other content is refused', async () => {
  const ask = await testApp.askAs('loja-2')
  const chave = { 'idempotency-key': 'pedido-1' }
  const answers = await Promise.all(Array.from({ length: 6 }, () => ask('/orders', json(newPedido, chave))))
  const ids = await Promise.all(answers.map(async (r) => ((await r.json()) as PedidoAnswer).id))
  expect(new Set(ids).size).toBe(1)
  expect(answers.filter((r) => r.headers.get('idempotent-replayed') === 'true')).toHaveLength(5)
  await ask(`/orders/${ids[0]}/transitions`, json({ status: 'IN_TRANSIT' }))
  expect(await (await ask('/orders', json(newPedido, chave))).json()).toMatchObject({ id: ids[0], status: 'RECEIVED' })
  const other = await ask('/orders', json({ ...newPedido, address: 'Rua B' }, chave))
  expect([other.status, await other.json()]).toMatchObject([422, { codigo: 'chave-reutilizada' }])
  const fromOther = await (await testApp.askAs('loja-3'))('/orders', json(newPedido, chave))
  expect(fromOther.headers.get('idempotent-replayed')).toBeNull()
})

test('a referencia names one order of a merchant', async () => {
  const ask = await testApp.askAs('loja-4')
  const first = (await (
    await ask('/orders', json({ ...newPedido, referencia: 'NF-1', valor: 10.5 }))
  ).json()) as PedidoAnswer
  expect(first).toMatchObject({ referencia: 'NF-1', valor: 10.5 })
  const segundo = await ask('/orders', json({ ...newPedido, referencia: 'NF-1' }))
  expect([segundo.status, await segundo.json()]).toMatchObject([409, { codigo: 'referencia-duplicada', id: first.id }])
})

describe('the list', () => {
  test('pages through all orders once, newest first, also while new ones come in', async () => {
    const ask = await testApp.askAs('lista')
    const created: string[] = []
    for (let i = 0; i < 7; i += 1) {
      testApp.clock.now = new Date(Date.UTC(2025, 9, 15, 12, 0, i >> 1))
      created.push(
        ((await (await ask('/orders', json({ ...newPedido, address: `Rua ${i}` }))).json()) as PedidoAnswer).id,
      )
    }
    const seen: string[] = []
    let cursor = ''
    do {
      const page = (await (await ask(`/orders?limite=3${cursor}`)).json()) as {
        itens: PedidoAnswer[]
        proximo: string | null
      }
      seen.push(...page.itens.map(({ id }) => id))
      cursor = page.proximo === null ? '' : `&cursor=${page.proximo}`
    } while (cursor !== '')
    expect(seen).toEqual(created.toSorted((a, b) => (a < b ? 1 : -1)))
    expect((await ask('/orders?limite=3&status=RECEIVED&cursor=abc')).status).toBe(400)
  })

  test('filters by status, day of São Paulo and referencia', async () => {
    const ask = await testApp.askAs('filtros')
    const items = async (query: string) =>
      ((await (await ask(`/orders?${query}`)).json()) as { itens: PedidoAnswer[] }).itens.map((p) => p.address)
    for (const [i, at] of ['2025-10-15T02:59:59Z', '2025-10-15T03:00:00Z', '2025-10-16T02:59:59Z'].entries()) {
      testApp.clock.now = new Date(at)
      await ask('/orders', json({ ...newPedido, address: `Rua ${i}`, referencia: `r${i}` }))
    }
    expect(await items('de=2025-10-15&ate=2025-10-15')).toEqual(['Rua 2', 'Rua 1'])
    expect(await items('ate=2025-10-14')).toEqual(['Rua 0'])
    expect(await items('referencia=r1')).toEqual(['Rua 1'])
    expect(await items('status=DELIVERED')).toEqual([])
    expect(await items('status=RECEIVED&limite=1')).toEqual(['Rua 2'])
    expect((await ask('/orders?de=2025-10-16&ate=2025-10-15')).status).toBe(422)
    expect((await ask('/orders?status=entregue')).status).toBe(422)
  })
})

describe('a file of orders', () => {
  const send = async (de: string, body: string) => {
    const ask = await testApp.askAs(de)
    const answer = await ask('/orders/importacoes', {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body,
    })
    return [answer.status, await answer.json()]
  }

  test('goes in once however often it is sent, each wrong line with its reason', async () => {
    const file =
      'customer_name;address;valor;referencia;occurred_at\n' +
      'Ana;Rua A;1.234,56;r1;2017-10-02T10:56:33-03:00\n' +
      'Ana;Rua A;;r2;2099-01-01T00:00:00Z\n' +
      'Ana;Rua A;;;\n' +
      'Ana;Rua A;;;\n' +
      ';"Rua\nB";x;;ontem\n'
    const expected = { linhas: 5, recusados: 2 }
    expect(await send('arquivo', file)).toMatchObject([200, { ...expected, criados: 3, repetidos: 0 }])
    const [status, segundo] = await send('arquivo', file)
    expect([status, segundo]).toMatchObject([200, { ...expected, criados: 0, repetidos: 3 }])
    expect((segundo as { erros: { coluna: string }[] }).erros.map(({ coluna: column }) => column)).toEqual([
      'occurred_at',
      'customer_name',
      'address',
      'valor',
      'occurred_at',
    ])
    const ask = await testApp.askAs('arquivo')
    const { itens: items } = (await (await ask('/orders?referencia=r1')).json()) as { itens: PedidoAnswer[] }
    const eventos = await (await ask(`/orders/${items[0]?.id}/events`)).json()
    expect(eventos).toMatchObject([{ occurred_at: '2017-10-02T13:56:33.000Z', source: 'importacao' }])
  })

  test('of another kind is refused whole', async () => {
    expect(await send('tipo', 'nome,rua\nAna,Rua A\n')).toMatchObject([422, { codigo: 'dados-invalidos' }])
    expect(await send('tipo', 'customer_name,address\n')).toMatchObject([422, { codigo: 'arquivo-vazio' }])
  })

  test('with a referencia that says something else is refused for that line', async () => {
    expect(await send('outra', 'customer_name,address,referencia\nAna,Rua A,r\n')).toMatchObject([200, { criados: 1 }])
    expect(await send('outra', 'customer_name,address,referencia\nBia,Rua A,r\n')).toMatchObject([
      200,
      { recusados: 1, erros: [{ coluna: 'referencia' }] },
    ])
  })
})
