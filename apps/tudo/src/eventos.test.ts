import type { Column } from '@fluxo/shared/inbox/statement'
import { EventoSchema, type EventRead, encodeEvento, type Reader, readEvent } from '@fluxo/shared/log/event'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { efeitoDoSaldo } from '../../consolidado/src/projetar/efeito.ts'
import { lerLancado } from '../../consolidado/src/projetar/ler-evento.ts'
import { lerContado } from '../../entregas/src/acompanhar/contado.ts'
import { AVISOS } from '../../entregas/src/avisar/grupo.ts'
import { grupoDoFluxo } from '../../entregas/src/fluir/grupo.ts'
import { lancamentoDaEntrega } from '../../lancamentos/src/faturar/faturar.ts'
import { lerLancavel } from '../../lancamentos/src/faturar/ler-evento.ts'

type Leitor = {
  data: object
  type: string
  read: Reader<object>
  converter: (row: unknown) => void
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
const fluxo = grupoDoFluxo({ automatico: true, atrasoMs: 0 })
const pedido = { type: 'pedido.entregue.v1', data: PEDIDO }

/** Whoever reads a log, with an event that it understands, and what it makes of the row that it read. */
const LEITORES: Readonly<Record<string, Leitor>> = {
  'the projection': {
    type: 'lancamento.registrado.v1',
    data: { comerciante_id: 'loja-1', tipo: 'CREDITO', valor: '1.00', data: '2026-11-21' },
    read: lerLancado,
    converter: columnsOf(efeitoDoSaldo.columns),
  },
  'the money of orders': {
    ...pedido,
    read: lerLancavel,
    converter: (row) => {
      const { entrega } = row as { entrega?: Parameters<typeof lancamentoDaEntrega>[0] }
      if (entrega !== undefined) lancamentoDaEntrega(entrega, { id: ID, agora: new Date(0) })
    },
  },
  'the flow': { ...pedido, read: fluxo.read, converter: columnsOf(fluxo.effect.columns) },
  'the webhooks': { ...pedido, read: AVISOS.read, converter: columnsOf(AVISOS.effect.columns) },
  'the live streams': { ...pedido, read: lerContado, converter: () => {} },
}
const POSICAO = 7
const eventoDe = ({ type, data }: Leitor): Record<string, unknown> =>
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
const veredito = (event: EventRead<object>): boolean => event.outcome === 'read' || !ENVELOPE.test(event.reason)

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

test.each(Object.keys(LEITORES))('%s reads what its log writes', (nome) => {
  const leitor = LEITORES[nome] as Leitor
  expect(readEvent(leitor.read, POSICAO, eventoDe(leitor))).toMatchObject({ outcome: 'read' })
})

test.each(FIELDS)('whatever stands in %s of an envelope is poison for every reader or for none', (field) => {
  for (const value of VALUES) {
    const vereditos = Object.values(LEITORES).map((leitor) =>
      veredito(readEvent(leitor.read, POSICAO, { ...eventoDe(leitor), [field]: value })),
    )
    expect(new Set(vereditos).size, `${field} = ${JSON.stringify(value)}: ${vereditos.join(' ')}`).toBe(1)
  }
})

describe('no event makes anybody throw', () => {
  const estranho = fc.oneof(
    fc.constantFrom(...VALUES),
    fc.jsonValue(),
    fc.string(),
    fc.date().map(String),
    fc.bigInt().map(String),
  )
  const campos = (shape: object) => fc.dictionary(fc.constantFrom(...Object.keys(shape)), estranho, { maxKeys: 3 })

  test.each(Object.keys(LEITORES))('neither reading nor what is made of it: %s', (nome) => {
    const leitor = LEITORES[nome] as Leitor
    fc.assert(
      fc.property(campos(EventoSchema.shape), campos(leitor.data), estranho, (envelope, dados, lixo) => {
        const evento = eventoDe(leitor)
        for (const um of [{ ...evento, ...envelope }, { ...evento, data: { ...leitor.data, ...dados } }, lixo]) {
          const event = readEvent(leitor.read, POSICAO, um)
          if (event.outcome === 'read') leitor.converter(event.row)
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
        (texto) => {
          expect(time.safeParse(texto).success && Number.isNaN(Date.parse(texto))).toBe(false)
        },
      ),
    )
  })
})
