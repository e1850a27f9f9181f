import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bancada, createBancada, json, type PedidoLido } from '../../test/bancada.ts'

let bancada: Bancada
beforeAll(async () => {
  bancada = await createBancada({ particoes: 2 })
})
afterAll(() => bancada?.fechar())

const novo = { customer_name: 'Ana', address: 'Rua A, 1' }

test('an order is answered with the fields of the original, and read back as it stands', async () => {
  const pedir = await bancada.como('loja-1')
  const resposta = await pedir('/orders', json(novo))
  const pedido = (await resposta.json()) as PedidoLido
  expect(resposta.status).toBe(201)
  expect(resposta.headers.get('location')).toBe(`/orders/${pedido.id}`)
  expect(pedido).toEqual({ id: pedido.id, ...novo, status: 'RECEIVED', created_at: '2025-10-15T12:34:56.789Z' })
  expect(await (await pedir(`/orders/${pedido.id}`)).json()).toEqual({
    ...pedido,
    version: 1,
    updated_at: pedido.created_at,
  })
  expect(await (await pedir(`/orders/${pedido.id}/events`)).json()).toEqual([
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
  expect(await (await pedir(`/orders/${pedido.id}/events?after=1`)).json()).toEqual([])
})

test('the same key gives the first answer again, for ever and however many at once; other content is refused', async () => {
  const pedir = await bancada.como('loja-2')
  const chave = { 'idempotency-key': 'pedido-1' }
  const respostas = await Promise.all(Array.from({ length: 6 }, () => pedir('/orders', json(novo, chave))))
  const ids = await Promise.all(respostas.map(async (r) => ((await r.json()) as PedidoLido).id))
  expect(new Set(ids).size).toBe(1)
  expect(respostas.filter((r) => r.headers.get('idempotent-replayed') === 'true')).toHaveLength(5)
  await pedir(`/orders/${ids[0]}/transitions`, json({ status: 'IN_TRANSIT' }))
  expect(await (await pedir('/orders', json(novo, chave))).json()).toMatchObject({ id: ids[0], status: 'RECEIVED' })
  const outra = await pedir('/orders', json({ ...novo, address: 'Rua B' }, chave))
  expect([outra.status, await outra.json()]).toMatchObject([422, { codigo: 'chave-reutilizada' }])
  const deOutra = await (await bancada.como('loja-3'))('/orders', json(novo, chave))
  expect(deOutra.headers.get('idempotent-replayed')).toBeNull()
})

test('a referencia names one order of a merchant', async () => {
  const pedir = await bancada.como('loja-4')
  const primeiro = (await (
    await pedir('/orders', json({ ...novo, referencia: 'NF-1', valor: 10.5 }))
  ).json()) as PedidoLido
  expect(primeiro).toMatchObject({ referencia: 'NF-1', valor: 10.5 })
  const segundo = await pedir('/orders', json({ ...novo, referencia: 'NF-1' }))
  expect([segundo.status, await segundo.json()]).toMatchObject([
    409,
    { codigo: 'referencia-duplicada', id: primeiro.id },
  ])
})

describe('the list', () => {
  test('pages through all orders once, newest first, also while new ones come in', async () => {
    const pedir = await bancada.como('lista')
    const criados: string[] = []
    for (let i = 0; i < 7; i += 1) {
      bancada.relogio.agora = new Date(Date.UTC(2025, 9, 15, 12, 0, i >> 1))
      criados.push(((await (await pedir('/orders', json({ ...novo, address: `Rua ${i}` }))).json()) as PedidoLido).id)
    }
    const vistos: string[] = []
    let cursor = ''
    do {
      const pagina = (await (await pedir(`/orders?limite=3${cursor}`)).json()) as {
        itens: PedidoLido[]
        proximo: string | null
      }
      vistos.push(...pagina.itens.map(({ id }) => id))
      cursor = pagina.proximo === null ? '' : `&cursor=${pagina.proximo}`
    } while (cursor !== '')
    expect(vistos).toEqual(criados.toSorted((a, b) => (a < b ? 1 : -1)))
    expect((await pedir('/orders?limite=3&status=RECEIVED&cursor=abc')).status).toBe(400)
  })

  test('filters by status, day of São Paulo and referencia', async () => {
    const pedir = await bancada.como('filtros')
    const itens = async (consulta: string) =>
      ((await (await pedir(`/orders?${consulta}`)).json()) as { itens: PedidoLido[] }).itens.map((p) => p.address)
    for (const [i, quando] of ['2025-10-15T02:59:59Z', '2025-10-15T03:00:00Z', '2025-10-16T02:59:59Z'].entries()) {
      bancada.relogio.agora = new Date(quando)
      await pedir('/orders', json({ ...novo, address: `Rua ${i}`, referencia: `r${i}` }))
    }
    expect(await itens('de=2025-10-15&ate=2025-10-15')).toEqual(['Rua 2', 'Rua 1'])
    expect(await itens('ate=2025-10-14')).toEqual(['Rua 0'])
    expect(await itens('referencia=r1')).toEqual(['Rua 1'])
    expect(await itens('status=DELIVERED')).toEqual([])
    expect(await itens('status=RECEIVED&limite=1')).toEqual(['Rua 2'])
    expect((await pedir('/orders?de=2025-10-16&ate=2025-10-15')).status).toBe(422)
    expect((await pedir('/orders?status=entregue')).status).toBe(422)
  })
})

describe('a file of orders', () => {
  const enviar = async (de: string, corpo: string) => {
    const pedir = await bancada.como(de)
    const resposta = await pedir('/orders/importacoes', {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: corpo,
    })
    return [resposta.status, await resposta.json()]
  }

  test('goes in once however often it is sent, each wrong line with its reason', async () => {
    const arquivo =
      'customer_name;address;valor;referencia;occurred_at\n' +
      'Ana;Rua A;1.234,56;r1;2017-10-02T10:56:33-03:00\n' +
      'Ana;Rua A;;r2;2099-01-01T00:00:00Z\n' +
      'Ana;Rua A;;;\n' +
      'Ana;Rua A;;;\n' +
      ';"Rua\nB";x;;ontem\n'
    const esperado = { linhas: 5, recusados: 2 }
    expect(await enviar('arquivo', arquivo)).toMatchObject([200, { ...esperado, criados: 3, repetidos: 0 }])
    const [status, segundo] = await enviar('arquivo', arquivo)
    expect([status, segundo]).toMatchObject([200, { ...esperado, criados: 0, repetidos: 3 }])
    expect((segundo as { erros: { coluna: string }[] }).erros.map(({ coluna }) => coluna)).toEqual([
      'occurred_at',
      'customer_name',
      'address',
      'valor',
      'occurred_at',
    ])
    const pedir = await bancada.como('arquivo')
    const { itens } = (await (await pedir('/orders?referencia=r1')).json()) as { itens: PedidoLido[] }
    const eventos = await (await pedir(`/orders/${itens[0]?.id}/events`)).json()
    expect(eventos).toMatchObject([{ occurred_at: '2017-10-02T13:56:33.000Z', source: 'importacao' }])
  })

  test('of another kind is refused whole', async () => {
    expect(await enviar('tipo', 'nome,rua\nAna,Rua A\n')).toMatchObject([422, { codigo: 'dados-invalidos' }])
    expect(await enviar('tipo', 'customer_name,address\n')).toMatchObject([422, { codigo: 'arquivo-vazio' }])
  })

  test('with a referencia that says something else is refused for that line', async () => {
    expect(await enviar('outra', 'customer_name,address,referencia\nAna,Rua A,r\n')).toMatchObject([
      200,
      { criados: 1 },
    ])
    expect(await enviar('outra', 'customer_name,address,referencia\nBia,Rua A,r\n')).toMatchObject([
      200,
      { recusados: 1, erros: [{ coluna: 'referencia' }] },
    ])
  })
})
