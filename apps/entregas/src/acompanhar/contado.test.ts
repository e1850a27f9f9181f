import { encodeEvento, readEvent } from '@fluxo/shared/log/event'
import { expect, test } from 'vitest'
import { dadosDoEvento, type Evento, eventoJson, fatoDe } from '../domain/evento.ts'
import { lerContado } from './contado.ts'

const evento: Evento = {
  id: '0198a4c2-0000-7000-8000-000000000001',
  pedidoId: '0198a4c2-0000-7000-8000-000000000002',
  comercianteId: 'loja',
  seq: 5,
  especie: 'mudanca',
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
  entregueEm: undefined,
  valor: 1_050n,
  occurredAt: new Date('2025-10-15T12:00:00Z'),
  createdAt: new Date('2025-10-15T12:00:01Z'),
  rastro: undefined,
}
const noStream = (um: Evento): unknown =>
  JSON.parse(
    encodeEvento(
      {
        id: um.id,
        source: '/entregas',
        type: fatoDe(um),
        subject: um.pedidoId,
        time: um.createdAt.toISOString(),
        data: dadosDoEvento(um),
      },
      { particao: 0, posicao: 9, epoca: '0198a4c2-0000-7000-8000-000000000003' },
    ),
  )

test('whoever is told of an event hears what GET /orders/{id}/events shows, in the same words', () => {
  for (const um of [evento, { ...evento, reason: undefined, note: undefined, anterior: undefined, seq: 1 }]) {
    const lido = readEvent(lerContado, 9, noStream(um))
    expect(JSON.stringify(lido.outcome === 'read' && lido.row.item)).toBe(JSON.stringify(eventoJson(um)))
  }
})

test('an event at another position, or without what is needed, is none', () => {
  expect(readEvent(lerContado, 8, noStream(evento))).toEqual({
    outcome: 'unreadable',
    reason: 'sequence is not the position at which the event arrived',
  })
  expect(readEvent(lerContado, 9, { forged: true })).toMatchObject({ outcome: 'unreadable' })
})
