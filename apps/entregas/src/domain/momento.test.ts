import { expect, test } from 'vitest'
import { lerMomento, noFuturo } from './momento.ts'

test('a moment needs an offset and must exist', () => {
  expect(lerMomento('2025-10-15T12:00:00-03:00')?.toISOString()).toBe('2025-10-15T15:00:00.000Z')
  for (const texto of [
    '2025-10-15T12:00:00',
    '2025-13-15T12:00:00Z',
    '2025-02-30T12:00:00Z',
    '2025-10-15T24:00:00Z',
    '2025-10-15T12:00:60Z',
    '2025-10-15T12:00:00+24:00',
    '15/10/2025',
    '',
  ])
    expect(lerMomento(texto), texto).toBeUndefined()
})

test('what is further ahead than clocks differ is the future', () => {
  const agora = new Date('2025-10-15T12:00:00Z')
  const em = (texto: string) => new Date(`2025-10-15T${texto}Z`)
  expect([noFuturo(em('12:05:00'), agora), noFuturo(em('12:05:01'), agora)]).toEqual([false, true])
})
