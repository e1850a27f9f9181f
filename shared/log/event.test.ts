import { expect, test } from 'vitest'
import { z } from 'zod'
import { type EventEnvelope, EventoSchema, encodeEvento, readData, readEvent, readText } from './event.ts'

const ID = '0198f2a0-0000-7000-8000-000000000001'
const EPOCA = '0198f2a0-0000-4000-8000-000000000002'
const FACT = {
  id: ID,
  source: '/a',
  type: 'a.feito.v1',
  subject: 's',
  time: '2025-10-15T12:00:00.000Z',
  data: { n: 1 },
}
const written = (): Record<string, unknown> => JSON.parse(encodeEvento(FACT, { particao: 0, posicao: 7, epoca: EPOCA }))
const reader = (evento: EventEnvelope) => readData(z.object({ n: z.number() }), evento)
const read = (evento: unknown) => readEvent(reader, 7, evento)

test('what the log writes is read back, with the fields that its reader knows', () => {
  const evento = { ...written(), data: { n: 1, novidade: 2 } }
  const known = { outcome: 'read', epoca: EPOCA, traceparent: undefined, row: { n: 1 } }
  expect(read(evento)).toEqual(known)
  expect(readText(reader, 7, JSON.stringify(evento))).toEqual(known)
})

const VALUES: readonly unknown[] = [undefined, null, '', 'x', '1.0', 1, -1, 1.5, 2 ** 60, {}, [], ID, ID.toUpperCase()]

test('an envelope is accepted exactly where its schema accepts it, whatever stands in any of its fields', () => {
  for (const field of Object.keys(EventoSchema.shape).filter((name) => name !== 'data' && name !== 'sequence')) {
    for (const value of VALUES) {
      const evento = { ...written(), [field]: value }
      const verdict = EventoSchema.safeParse(evento)
      const reason = `not an event: ${field}`
      expect(read(evento), `${field} = ${JSON.stringify(value)}`).toMatchObject(
        verdict.success ? { outcome: 'read' } : { outcome: 'unreadable', reason },
      )
    }
  }
})

test('what is no event, stands elsewhere or lacks what its reader needs is refused by name', () => {
  const refused = (evento: unknown, reason: string) =>
    expect(read(evento)).toEqual({ outcome: 'unreadable', reason: expect.stringMatching(reason) })
  refused(null, 'not an event')
  refused('text', 'not an event')
  refused({ ...written(), sequence: '7' }, '^not an event: sequence$')
  refused({ ...written(), sequence: '0000000000000008' }, 'position')
  refused({ ...written(), data: { n: 'x' } }, '^data.n$')
  expect(readText(reader, 7, '{"broken')).toEqual({ outcome: 'unreadable', reason: 'not JSON' })
})

test('a reader that throws makes poison of that event alone', () => {
  const throwing = (): object => {
    throw new RangeError('Invalid time value')
  }
  const reason = 'the reader throws RangeError'
  expect(readEvent(throwing, 7, written())).toEqual({ outcome: 'unreadable', reason })
})
