import { expect, test } from 'vitest'
import { dayInSaoPaulo, instantInSaoPaulo } from '../day.ts'
import { readCsvDay } from './row.ts'

test.each([
  ['2025-10-15', '2025-10-15'],
  ['15/10/2025', '2025-10-15'],
  ['1/2/2024', '2024-02-01'],
  ['29/02/2024', '2024-02-29'],
])('%s is the day %s', (written, day) => expect(readCsvDay(written)).toBe(day))

test.each(['29/02/2025', '10/15/2025', '15/10/25', '15-10-2025', '15/10/2025 00:00', '1/1/1899', '', '/'])(
  '%j is no day',
  (written) => expect(readCsvDay(written)).toBeUndefined(),
)

test.each([
  ['2025-10-15', '12:34:56', '2025-10-15T15:34:56.000Z'],
  // Summer time, which São Paulo had until 2019.
  ['2018-12-31', '23:59:00', '2019-01-01T01:59:00.000Z'],
  ['2018-11-03', '23:59:59', '2018-11-04T02:59:59.000Z'],
  ['2018-11-04', '01:00:00', '2018-11-04T03:00:00.000Z'],
])('clocks in São Paulo show %s %s at %s', (day, time, instant) => {
  expect(instantInSaoPaulo(day, time).toISOString()).toBe(instant)
  expect(dayInSaoPaulo(instantInSaoPaulo(day, time))).toBe(day)
})
