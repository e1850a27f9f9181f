import { readEvent } from '@fluxo/shared/log/event'
import { describe, expect, test } from 'vitest'
import type { Lancamento } from '../domain/lancamento.ts'
import { type EntregaPaga, entregaChave, entregaEstorno, entregaLancamento, returnChave } from './lancar-entregas.ts'
import { readEntregaPaga } from './read-evento.ts'
import { createRecord } from './record.ts'

const PEDIDO = '0198aaaa-0000-7000-8000-000000000000'
const fields = {
  order_id: PEDIDO,
  comerciante_id: 'loja-1',
  previous_status: 'IN_TRANSIT',
  occurred_at: '2025-10-16T01:00:00.000Z',
  valor: '80.50',
  delivery: 1,
  delivered_at: '2025-10-16T01:00:00.000Z',
}
const evento = (type: string, more: object = {}) => ({
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
  data: { ...fields, ...more },
})
const entregaOf = (type: string, more?: object) => {
  const reading = readEvent(readEntregaPaga, 7, evento(type, more))
  return reading.outcome === 'read' ? reading.row.entrega : reading.reason
}

describe('an event of an order', () => {
  test('is money where a paid delivery happened, or was taken back', () => {
    expect(entregaOf('pedido.entregue.v1')).toMatchObject({ pedidoId: PEDIDO, valor: 8050n, deliveryNumber: 1 })
    expect(entregaOf('pedido.entregue.v1')).not.toHaveProperty('returnedAt')
    expect(entregaOf('pedido.devolvido.v1')).toHaveProperty('returnedAt')
    expect(entregaOf('pedido.corrigido.v1', { previous_status: 'DELIVERED' })).toHaveProperty('returnedAt')
  })

  test.each([
    ['pedido.recebido.v1', {}],
    ['pedido.entregue.v1', { valor: undefined }],
    ['pedido.devolvido.v1', { delivery: undefined, delivered_at: undefined }],
    ['pedido.corrigido.v1', { previous_status: 'OUT_FOR_DELIVERY' }],
    ['pedido.extraviado.v2', {}],
  ])('%s %j is none', (type, more) => expect(entregaOf(type, more)).toBeUndefined())

  test.each([
    ['pedido.entregue.v2', {}, 'unknown type: pedido.entregue.v2'],
    ['pedido.entregue.v1', { valor: '1,5' }, 'data.valor: not a positive amount'],
    ['pedido.entregue.v1', { valor: '0.00' }, 'data.valor: not a positive amount'],
    ['pedido.entregue.v1', { occurred_at: 'ontem' }, 'data.occurred_at'],
    ['pedido.entregue.v1', { comerciante_id: '../x' }, 'data.comerciante_id'],
  ])('%s %j can never be applied', (type, more, motivo) => expect(entregaOf(type, more)).toBe(motivo))

  test('at another position than its own, or without an envelope, is refused', () => {
    expect(readEvent(readEntregaPaga, 8, evento('pedido.entregue.v1'))).toMatchObject({ outcome: 'unreadable' })
    expect(readEvent(readEntregaPaga, 7, { data: fields })).toMatchObject({
      outcome: 'unreadable',
      reason: expect.stringMatching(/^not an event: specversion/),
    })
  })
})

const entrega: EntregaPaga = {
  comercianteId: 'loja-1',
  pedidoId: PEDIDO,
  deliveryNumber: 1,
  valor: 8050n,
  deliveredAt: new Date('2025-10-16T01:00:00Z'),
  traceparent: undefined,
}
const idAndTime = { id: 'id', now: new Date(0) }

test('the entry is dated by the delivery in São Paulo; a second delivery of one order is another entry', () => {
  expect(entregaLancamento(entrega, idAndTime)).toMatchObject({
    tipo: 'CREDITO',
    data: '2025-10-15',
    referencia: `pedido:${PEDIDO}`,
  })
  const second = { ...entrega, deliveryNumber: 2 }
  expect(entregaLancamento(second, idAndTime).referencia).toBe(`pedido:${PEDIDO}:2`)
  const chaves = [entrega, second].flatMap((one) => [entregaChave(one), returnChave(one)])
  expect(new Set(chaves).size).toBe(4)
  const estorno = entregaEstorno(entregaLancamento(entrega, idAndTime), entrega, new Date('2025-10-21T02:00:00Z'), {
    ...idAndTime,
    id: 'outro',
  })
  expect(estorno).toMatchObject({ tipo: 'DEBITO', valor: 8050n, data: '2025-10-20', estorna: 'id' })
})

describe('registering', () => {
  const warnings: object[] = []
  const recordWith = (registrar: (item: { lancamento: Lancamento }) => Promise<unknown>, given = entrega) =>
    createRecord({
      store: { registrar } as unknown as Parameters<typeof createRecord>[0]['store'],
      newId: () => 'id',
      now: () => new Date(0),
      log: { warn: (line: object) => warnings.push(line) } as unknown as Parameters<typeof createRecord>[0]['log'],
    })([{ posicao: 7, id: 'e', entrega: given }])

  test('what PostgreSQL will never take is named, all else is tried again', async () => {
    const failure = (code?: string) => async () => {
      throw Object.assign(new Error('x'), code === undefined ? {} : { code })
    }
    expect(await recordWith(failure('22003'))).toEqual([{ posicao: 7, reason: 'SQLSTATE 22003' }])
    for (const code of ['57P01', '42501', '42P01']) await expect(recordWith(failure(code))).rejects.toThrow('x')
    await expect(recordWith(failure())).rejects.toThrow('x')
  })

  test('an event of which no entry can be made is named, too', async () => {
    const invalidDay = { ...entrega, deliveredAt: new Date(Number.NaN) }
    expect(await recordWith(async () => ({}), invalidDay)).toEqual([
      { posicao: 7, reason: 'the effect throws RangeError' },
    ])
  })

  test('money that the merchant has recorded by hand is in the books once, and that is told', async () => {
    const answer = async ({ lancamento }: { lancamento: Lancamento }) => ({
      outcome: 'reference-conflict',
      lancamento,
    })
    expect(await recordWith(answer)).toEqual([])
    expect(warnings).toMatchObject([{ pedidoId: PEDIDO, outcome: 'reference-conflict' }])
  })
})
