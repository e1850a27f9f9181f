import { readEvent } from '@fluxo/shared/log/event'
import { describe, expect, test } from 'vitest'
import type { Lancamento } from '../domain/lancamento.ts'
import { chaveDaDevolucao, chaveDaEntrega, type Entrega, estornoDaEntrega, lancamentoDaEntrega } from './faturar.ts'
import { createLancar } from './lancar.ts'
import { lerLancavel } from './ler-evento.ts'

const PEDIDO = '0198aaaa-0000-7000-8000-000000000000'
const dados = {
  order_id: PEDIDO,
  comerciante_id: 'loja-1',
  previous_status: 'IN_TRANSIT',
  occurred_at: '2025-10-16T01:00:00.000Z',
  valor: '80.50',
  delivery: 1,
  delivered_at: '2025-10-16T01:00:00.000Z',
}
const evento = (type: string, mais: object = {}) => ({
  specversion: '1.0',
  id: '0198aaaa-0000-7000-8000-000000000001',
  source: '/entregas',
  type,
  subject: PEDIDO,
  time: '2025-10-16T01:00:00.000Z',
  datacontenttype: 'application/json',
  sequence: '0000000000000007',
  particao: 0,
  epoca: '0198aaaa-0000-7000-8000-000000000002',
  data: { ...dados, ...mais },
})
const entregaDe = (type: string, mais?: object) => {
  const lido = readEvent(lerLancavel, 7, evento(type, mais))
  return lido.outcome === 'read' ? lido.row.entrega : lido.reason
}

describe('an event of an order', () => {
  test('is money where a paid delivery happened, or was taken back', () => {
    expect(entregaDe('pedido.entregue.v1')).toMatchObject({ pedidoId: PEDIDO, valor: 8050n, numero: 1 })
    expect(entregaDe('pedido.entregue.v1')).not.toHaveProperty('devolvidoEm')
    expect(entregaDe('pedido.devolvido.v1')).toHaveProperty('devolvidoEm')
    expect(entregaDe('pedido.corrigido.v1', { previous_status: 'DELIVERED' })).toHaveProperty('devolvidoEm')
  })

  test.each([
    ['pedido.recebido.v1', {}],
    ['pedido.entregue.v1', { valor: undefined }],
    ['pedido.devolvido.v1', { delivery: undefined, delivered_at: undefined }],
    ['pedido.corrigido.v1', { previous_status: 'OUT_FOR_DELIVERY' }],
    ['pedido.extraviado.v2', {}],
  ])('%s %j is none', (type, mais) => expect(entregaDe(type, mais)).toBeUndefined())

  test.each([
    ['pedido.entregue.v2', {}, 'unknown type: pedido.entregue.v2'],
    ['pedido.entregue.v1', { valor: '1,5' }, 'data.valor: not a positive amount'],
    ['pedido.entregue.v1', { valor: '0.00' }, 'data.valor: not a positive amount'],
    ['pedido.entregue.v1', { occurred_at: 'ontem' }, 'data.occurred_at'],
    ['pedido.entregue.v1', { comerciante_id: '../x' }, 'data.comerciante_id'],
  ])('%s %j can never be applied', (type, mais, motivo) => expect(entregaDe(type, mais)).toBe(motivo))

  test('at another position than its own, or without an envelope, is refused', () => {
    expect(readEvent(lerLancavel, 8, evento('pedido.entregue.v1'))).toMatchObject({ outcome: 'unreadable' })
    expect(readEvent(lerLancavel, 7, { data: dados })).toMatchObject({
      outcome: 'unreadable',
      reason: expect.stringMatching(/^not an event: specversion/),
    })
  })
})

const entrega: Entrega = {
  comercianteId: 'loja-1',
  pedidoId: PEDIDO,
  numero: 1,
  valor: 8050n,
  entregueEm: new Date('2025-10-16T01:00:00Z'),
  rastro: undefined,
}
const momento = { id: 'id', agora: new Date(0) }

test('the entry is dated by the delivery in São Paulo; a second delivery of one order is another entry', () => {
  expect(lancamentoDaEntrega(entrega, momento)).toMatchObject({
    tipo: 'CREDITO',
    data: '2025-10-15',
    referencia: `pedido:${PEDIDO}`,
  })
  const segunda = { ...entrega, numero: 2 }
  expect(lancamentoDaEntrega(segunda, momento).referencia).toBe(`pedido:${PEDIDO}:2`)
  const chaves = [entrega, segunda].flatMap((uma) => [chaveDaEntrega(uma), chaveDaDevolucao(uma)])
  expect(new Set(chaves).size).toBe(4)
  const estorno = estornoDaEntrega(lancamentoDaEntrega(entrega, momento), entrega, new Date('2025-10-21T02:00:00Z'), {
    ...momento,
    id: 'outro',
  })
  expect(estorno).toMatchObject({ tipo: 'DEBITO', valor: 8050n, data: '2025-10-20', estorna: 'id' })
})

describe('registering', () => {
  const avisos: object[] = []
  const lancarCom = (registrar: (item: { lancamento: Lancamento }) => Promise<unknown>, esta = entrega) =>
    createLancar({
      store: { registrar } as unknown as Parameters<typeof createLancar>[0]['store'],
      novoId: () => 'id',
      agora: () => new Date(0),
      log: { warn: (linha: object) => avisos.push(linha) } as unknown as Parameters<typeof createLancar>[0]['log'],
    })([{ posicao: 7, id: 'e', entrega: esta }])

  test('what PostgreSQL will never take is named, all else is tried again', async () => {
    const falha = (code?: string) => async () => {
      throw Object.assign(new Error('x'), code === undefined ? {} : { code })
    }
    expect(await lancarCom(falha('22003'))).toEqual([{ posicao: 7, reason: 'SQLSTATE 22003' }])
    for (const code of ['57P01', '42501', '42P01']) await expect(lancarCom(falha(code))).rejects.toThrow('x')
    await expect(lancarCom(falha())).rejects.toThrow('x')
  })

  test('an event of which no entry can be made is named, too', async () => {
    const nunca = { ...entrega, entregueEm: new Date(Number.NaN) }
    expect(await lancarCom(async () => ({}), nunca)).toEqual([{ posicao: 7, reason: 'the effect throws RangeError' }])
  })

  test('money that the merchant has recorded by hand is in the books once, and that is told', async () => {
    const resposta = async ({ lancamento }: { lancamento: Lancamento }) => ({
      desfecho: 'conflito-de-referencia',
      lancamento,
    })
    expect(await lancarCom(resposta)).toEqual([])
    expect(avisos).toMatchObject([{ pedidoId: PEDIDO, desfecho: 'conflito-de-referencia' }])
  })
})
