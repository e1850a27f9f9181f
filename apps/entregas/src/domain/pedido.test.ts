import { parseWith } from '@fluxo/shared/http/validate'
import { describe, expect, test } from 'vitest'
import { eventoData, eventoJson, factOf, type PedidoEvento } from './evento.ts'
import { changeImpressao, informeChave, pedidoImpressao } from './impressao.ts'
import { InformeSchema, NewPedidoSchema, type Pedido, TransicaoSchema } from './pedido.ts'
import { createdPedidoJson, pedidoJson } from './pedido-json.ts'
import { STATUSES } from './status.ts'

const good = { customer_name: ' Ana ', address: 'Rua A, 1' }
const errorsOf = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return (error as { erros?: unknown }).erros
  }
  return 'aceito'
}

describe('a new order', () => {
  test('is trimmed and read to the cent', () => {
    expect(NewPedidoSchema.parse({ ...good, valor: '99.9', referencia: 'r' })).toEqual({
      customerName: 'Ana',
      address: 'Rua A, 1',
      valor: 9990n,
      referencia: 'r',
    })
  })

  test.each([
    ['customer_name', undefined, 'Campo obrigatório.'],
    ['customer_name', ' ', 'Não pode ser vazio.'],
    ['address', 'x'.repeat(501), 'Deve ter no máximo 500 caracteres.'],
    ['address', 'a\u0000b', 'Não pode ter caracteres de controle, como quebra de linha ou tabulação.'],
    ['valor', '0', 'Deve ser maior que zero.'],
    ['valor', 5, 'Deve ser um número decimal.'],
    ['endereco', 'x', 'Campo desconhecido.'],
  ])('%s = %j is refused in Portuguese', (field, valor, message) => {
    expect(errorsOf(() => parseWith(NewPedidoSchema, { ...good, [field]: valor }))).toEqual([
      { campo: field, mensagem: message },
    ])
  })

  test.each([
    `<script>alert(1)</script>`,
    `'; drop table pedido; --`,
    '../../etc/passwd',
    '{{7*7}} 🚚 “Ção”',
    '\u202eoir',
  ])('the address %j is data', (address) => {
    const read = NewPedidoSchema.parse({ ...good, address })
    expect(read.address).toBe(address)
    expect(JSON.parse(pedidoJson({ ...pedido, ...read })).address).toBe(address)
  })
})

const pedido: Pedido = {
  id: '0198aaaa-0000-7000-8000-000000000000',
  comercianteId: 'loja-1',
  customerName: 'Ana',
  address: 'Rua A',
  status: 'RECEIVED',
  version: 1,
  tentativas: 0,
  corrigivel: undefined,
  occurredAt: new Date(0),
  createdAt: new Date('2025-10-15T12:00:00Z'),
  updatedAt: new Date('2025-10-15T12:00:00Z'),
}

test('the answers have the fields of the original, and what was given', () => {
  expect(JSON.parse(createdPedidoJson(pedido))).toEqual({
    id: pedido.id,
    customer_name: 'Ana',
    address: 'Rua A',
    status: 'RECEIVED',
    created_at: '2025-10-15T12:00:00.000Z',
  })
  const text = pedidoJson({ ...pedido, valor: 10n, referencia: 'r"1' })
  expect(text).toContain('"valor":0.10')
  expect(JSON.parse(text)).toMatchObject({ referencia: 'r"1', version: 1, updated_at: '2025-10-15T12:00:00.000Z' })
})

describe('a transition', () => {
  test('a failed attempt has a reason, and nothing else has one', () => {
    expect(errorsOf(() => parseWith(TransicaoSchema, { status: 'DELIVERY_FAILED' }))).toMatchObject([
      { campo: 'reason' },
    ])
    expect(errorsOf(() => parseWith(TransicaoSchema, { status: 'DELIVERED', reason: 'absent' }))).toMatchObject([
      { campo: 'reason' },
    ])
    expect(TransicaoSchema.parse({ status: 'DELIVERY_FAILED', reason: 'absent' })).toMatchObject({ reason: 'absent' })
  })

  test.each([
    ['status', 'entregue', `Deve ser um de: ${STATUSES.join(', ')}.`],
    ['status', undefined, 'Campo obrigatório.'],
    ['version', 0, 'Deve ser no mínimo 1.'],
    ['version', 2 ** 31, 'Deve ser no máximo 2147483647.'],
    ['occurred_at', '2025-10-15 12:00', 'Deve ser data e hora com fuso, como 2025-10-15T12:34:56-03:00.'],
    ['note', 'a\nb', 'Não pode ter caracteres de controle, como quebra de linha ou tabulação.'],
  ])('%s = %j is refused in Portuguese', (field, valor, message) => {
    expect(errorsOf(() => parseWith(TransicaoSchema, { status: 'DELIVERED', [field]: valor }))).toEqual([
      { campo: field, mensagem: message },
    ])
  })

  test('a wrong tracking code is refused', () => {
    const informe = { type: 'BDE', status: 1, occurred_at: '2025-10-15T12:00:00Z' }
    expect(InformeSchema.parse({ ...informe, status: '01', tracking_code: 'DL077986616BR' }).status).toBe(1)
    expect(errorsOf(() => parseWith(InformeSchema, { ...informe, tracking_code: 'SS123456789BR' }))).toMatchObject([
      { campo: 'tracking_code' },
    ])
  })
})

const evento: PedidoEvento = {
  id: 'e',
  pedidoId: 'p',
  comercianteId: 'loja-1',
  seq: 2,
  especie: 'change',
  status: 'DELIVERED',
  anterior: 'IN_TRANSIT',
  reason: undefined,
  note: undefined,
  location: undefined,
  actor: 'loja-1',
  source: 'api',
  codigo: undefined,
  informado: undefined,
  tentativas: 0,
  entregas: 1,
  deliveredAt: new Date('2025-10-15T12:00:00Z'),
  valor: 150n,
  occurredAt: new Date('2025-10-15T12:00:00Z'),
  createdAt: new Date('2025-10-15T12:00:01Z'),
  traceparent: undefined,
}

test('an event on the stream is complete, and tells neither name nor address', () => {
  expect(eventoData(evento)).toEqual({
    order_id: 'p',
    comerciante_id: 'loja-1',
    seq: 2,
    status: 'DELIVERED',
    previous_status: 'IN_TRANSIT',
    actor: 'loja-1',
    source: 'api',
    occurred_at: '2025-10-15T12:00:00.000Z',
    valor: '1.50',
    delivery: 1,
    delivered_at: '2025-10-15T12:00:00.000Z',
  })
  const failed: PedidoEvento = {
    ...evento,
    status: 'DELIVERY_FAILED',
    tentativas: 2,
    reason: 'absent',
    entregas: 0,
    seq: 3,
  }
  expect(eventoJson({ ...failed, note: 'n', location: 'l', codigo: 'BDE 20', informado: 'LOST' })).toMatchObject({
    timestamp: '2025-10-15T12:00:01.000Z',
    attempt: 2,
    reason: 'absent',
    note: 'n',
    location: 'l',
    carrier_code: 'BDE 20',
    reported_status: 'LOST',
  })
})

test('each status is a fact of its own; notes and corrections are facts, too', () => {
  const facts = STATUSES.map((status) => factOf({ especie: 'change', status }))
  expect(new Set(facts).size).toBe(STATUSES.length)
  expect(factOf({ especie: 'note', status: 'DELIVERED' })).toBe('pedido.anotado.v1')
  expect(factOf({ especie: 'correction', status: 'DELIVERED' })).toBe('pedido.corrigido.v1')
})

test('different contents have different fingerprints, and a fingerprint never changes between versions', () => {
  expect(pedidoImpressao({ customerName: 'a', address: 'bc' })).not.toBe(
    pedidoImpressao({ customerName: 'ab', address: 'c' }),
  )
  const details = { actor: 'a', source: 'api' as const, occurredAt: new Date(0) }
  const change = { pedidoId: 'p', comercianteId: 'l', to: 'LOST' as const, from: [], details }
  expect(changeImpressao(change)).not.toBe(changeImpressao({ ...change, to: 'DAMAGED' }))
  expect(changeImpressao(change)).toBe(changeImpressao({ ...change, details: { ...details, occurredAt: new Date(1) } }))
  expect(informeChave('p', ['BDE', '1'])).not.toBe(informeChave('q', ['BDE', '1']))
  expect(pedidoImpressao({ customerName: 'Ana', address: 'Rua A' })).toMatchInlineSnapshot(
    `"3d9e25dfd0078f30d5f1e5bba4c3dfac"`,
  )
})
