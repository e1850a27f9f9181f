import { encodeEvento, readEvent } from '@fluxo/shared/log/event'
import { expect, test } from 'vitest'
import { eventoData, eventoJson, factOf, type PedidoEvento } from '../domain/evento.ts'
import { readToldEvent } from './told-event.ts'

const evento: PedidoEvento = {
  id: '0198a4c2-0000-7000-8000-000000000001',
  pedidoId: '0198a4c2-0000-7000-8000-000000000002',
  comercianteId: 'loja',
  seq: 5,
  especie: 'change',
  status: 'DELIVERY_FAILED',
  anterior: 'OUT_FOR_DELIVERY',
  reason: 'absent',
  note: 'volta amanhã',
  location: 'São Paulo',
  actor: 'correios',
  source: 'correios',
  codigo: 'BDE 20',
  informado: undefined,
  tentativas: 1,
  entregas: 0,
  deliveredAt: undefined,
  valor: 1_050n,
  occurredAt: new Date('2025-10-15T12:00:00Z'),
  createdAt: new Date('2025-10-15T12:00:01Z'),
  traceparent: undefined,
}
const noStream = (one: PedidoEvento): unknown =>
  JSON.parse(
    encodeEvento(
      {
        id: one.id,
        source: '/entregas',
        type: factOf(one),
        subject: one.pedidoId,
        time: one.createdAt.toISOString(),
        data: eventoData(one),
      },
      { particao: 0, posicao: 9, epoca: '0198a4c2-0000-7000-8000-000000000003' },
    ),
  )

test('whoever is told of an event hears what GET /orders/{id}/events shows, in the same words', () => {
  for (const one of [evento, { ...evento, reason: undefined, note: undefined, anterior: undefined, seq: 1 }]) {
    const read = readEvent(readToldEvent, 9, noStream(one))
    expect(JSON.stringify(read.outcome === 'read' && read.row.item)).toBe(JSON.stringify(eventoJson(one)))
  }
})

test('an event at another position, or without what is needed, is none', () => {
  expect(readEvent(readToldEvent, 8, noStream(evento))).toEqual({
    outcome: 'unreadable',
    reason: 'sequence is not the position at which the event arrived',
  })
  expect(readEvent(readToldEvent, 9, { forged: true })).toMatchObject({ outcome: 'unreadable' })
})
