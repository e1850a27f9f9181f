import { expect, test } from 'vitest'
import { isFuture, readTime } from './time.ts'

test('a moment needs an offset and must exist', () => {
  expect(readTime('2025-10-15T12:00:00-03:00')?.toISOString()).toBe('2025-10-15T15:00:00.000Z')
  for (const text of [
    '2025-10-15T12:00:00',
    '2025-13-15T12:00:00Z',
    '2025-02-30T12:00:00Z',
    '2025-10-15T24:00:00Z',
    '2025-10-15T12:00:60Z',
    '2025-10-15T12:00:00+24:00',
    '15/10/2025',
    '',
  ])
    expect(readTime(text), text).toBeUndefined()
})

test('what is further ahead than clocks differ is the future', () => {
  const now = new Date('2025-10-15T12:00:00Z')
  const at = (text: string) => new Date(`2025-10-15T${text}Z`)
  expect([isFuture(at('12:05:00'), now), isFuture(at('12:05:01'), now)]).toEqual([false, true])
})
