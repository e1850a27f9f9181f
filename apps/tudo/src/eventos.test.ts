import type { Column } from '@fluxo/shared/inbox/statement'
import { EventoSchema, type EventRead, encodeEvento, type Reader, readEvent } from '@fluxo/shared/log/event'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lancamentosGroup } from '../../avisos/src/logs/lancamentos.ts'
import { PEDIDO_TIPOS, PEDIDOS } from '../../avisos/src/logs/pedidos.ts'
import { SALDO_EFFECT } from '../../consolidado/src/projetar/projetar.ts'
import { readLancamento } from '../../consolidado/src/projetar/read-evento.ts'
import { readToldEvent } from '../../entregas/src/acompanhar/told-event.ts'
import { FACTS } from '../../entregas/src/domain/evento.ts'
import { fluxoGroup } from '../../entregas/src/fluir/group.ts'
import { entregaLancamento } from '../../lancamentos/src/lancar-entregas/lancar-entregas.ts'
import { readEntregaPaga } from '../../lancamentos/src/lancar-entregas/read-evento.ts'

type EventCase = {
  data: object
  type: string
  read: Reader<object>
  convert: (row: unknown) => void
}

const ID = '01a1fbc4-0000-7000-8000-000000000001'
const EPOCA = '0a0b0c0d-0000-4000-8000-000000000002'
const TIME = '2026-11-21T12:00:00.000Z'
const PEDIDO = {
  order_id: ID,
  comerciante_id: 'loja-1',
  seq: 3,
  status: 'DELIVERED',
  previous_status: 'IN_TRANSIT',
  actor: 'fluxo',
  source: 'fluxo',
  occurred_at: TIME,
  valor: '80.00',
  delivery: 1,
  delivered_at: TIME,
}
const columnsOf = (columns: readonly unknown[]) => (row: unknown) => {
  for (const { value } of columns as readonly Column<unknown>[]) value(row)
}
const fluxo = fluxoGroup({ automatic: true, delayMs: 0 })
const books = lancamentosGroup(0)
const pedido = { type: 'pedido.entregue.v1', data: PEDIDO }

/** Whoever reads a log, with an event that it understands, and what it makes of the row that it read. */
const READERS: Readonly<Record<string, EventCase>> = {
  'the projection': {
    type: 'lancamento.registrado.v1',
    data: { comerciante_id: 'loja-1', tipo: 'CREDITO', valor: '1.00', data: '2026-11-21' },
    read: readLancamento,
    convert: columnsOf(SALDO_EFFECT.columns),
  },
  'the money of orders': {
    ...pedido,
    read: readEntregaPaga,
    convert: (row) => {
      const { delivery } = row as { delivery?: Parameters<typeof entregaLancamento>[0] }
      if (delivery !== undefined) entregaLancamento(delivery, { id: ID, now: new Date(0) })
    },
  },
  'the flow': { ...pedido, read: fluxo.read, convert: columnsOf(fluxo.effect.columns) },
  'the webhooks': { ...pedido, read: PEDIDOS.read, convert: columnsOf(PEDIDOS.effect.columns) },
  'the books of the webhooks': {
    type: 'lancamento.registrado.v1',
    data: { id: ID, comerciante_id: 'loja-1', tipo: 'CREDITO', valor: '1.00', data: '2026-11-21' },
    read: books.read,
    convert: columnsOf(books.effect.columns),
  },
  'the live streams': { ...pedido, read: readToldEvent, convert: () => {} },
}
const POSICAO = 7
const eventoOf = ({ type, data }: EventCase): Record<string, unknown> =>
  JSON.parse(
    encodeEvento(
      {
        id: ID,
        source: '/log',
        type,
        subject: 's',
        time: TIME,
        traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
        data,
      },
      { particao: 0, posicao: POSICAO, epoca: EPOCA },
    ),
  )
const ENVELOPE = /^not an event|^sequence is not/
/** What a reader says of the envelope alone; its own data may be refused all the same. */
const verdict = (event: EventRead<object>): boolean => event.outcome === 'read' || !ENVELOPE.test(event.reason)

const UUIDS = [
  ID.toUpperCase(),
  '11111111-1111-1111-1111-111111111111',
  '0'.repeat(32),
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
]
const TIMES = [
  'ontem',
  '2026-02-30T00:00:00Z',
  '2026-11-21',
  '2026-11-21T12:00:00',
  '2026-11-21T12:00:00-03:00',
  '0000-01-01T00:00:00Z',
]
const VALUES: readonly unknown[] = [
  undefined,
  null,
  '',
  'x',
  '1.0',
  1,
  -1,
  1.5,
  2 ** 60,
  {},
  [],
  true,
  '0000000000000007',
  ...UUIDS,
  ...TIMES,
]
const FIELDS = Object.keys(EventoSchema.shape).filter((name) => name !== 'data' && name !== 'type')

test.each(Object.keys(READERS))('%s reads what its log writes', (readerName) => {
  const reader = READERS[readerName] as EventCase
  expect(readEvent(reader.read, POSICAO, eventoOf(reader))).toMatchObject({ outcome: 'read' })
})

test('a webhook may ask for every fact of an order, by the name that it has in the log', () => {
  expect([...PEDIDO_TIPOS]).toEqual(FACTS)
})

test.each(FIELDS)('whatever stands in %s of an envelope is poison for every reader or for none', (field) => {
  for (const value of VALUES) {
    const verdicts = Object.values(READERS).map((reader) =>
      verdict(readEvent(reader.read, POSICAO, { ...eventoOf(reader), [field]: value })),
    )
    expect(new Set(verdicts).size, `${field} = ${JSON.stringify(value)}: ${verdicts.join(' ')}`).toBe(1)
  }
})

describe('no event makes anybody throw', () => {
  const strange = fc.oneof(
    fc.constantFrom(...VALUES),
    fc.jsonValue(),
    fc.string(),
    fc.date().map(String),
    fc.bigInt().map(String),
  )
  const fields = (shape: object) => fc.dictionary(fc.constantFrom(...Object.keys(shape)), strange, { maxKeys: 3 })

  test.each(Object.keys(READERS))('neither reading nor what is made of it: %s', (readerName) => {
    const reader = READERS[readerName] as EventCase
    fc.assert(
      fc.property(fields(EventoSchema.shape), fields(reader.data), strange, (envelope, dataFields, garbage) => {
        const evento = eventoOf(reader)
        for (const one of [
          { ...evento, ...envelope },
          { ...evento, data: { ...reader.data, ...dataFields } },
          garbage,
        ]) {
          const event = readEvent(reader.read, POSICAO, one)
          if (event.outcome === 'read') reader.convert(event.row)
          else expect(event.reason).not.toMatch(/throws/)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('a time that is accepted is a moment', () => {
    const { time } = EventoSchema.shape
    fc.assert(
      fc.property(
        fc.oneof(
          fc.date().map(String),
          fc.date({ noInvalidDate: true }).map((d) => d.toISOString()),
          fc.string(),
        ),
        (text) => {
          expect(time.safeParse(text).success && Number.isNaN(Date.parse(text))).toBe(false)
        },
      ),
    )
  })
})
