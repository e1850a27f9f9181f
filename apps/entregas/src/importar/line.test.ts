import { readHeader } from '@fluxo/shared/csv/header'
import { readRecord } from '@fluxo/shared/csv/row'
import { expect, test } from 'vitest'
import { FORMAT, readLine } from './line.ts'

const columns = readHeader(['customer_name', 'address', 'occurred_at'], FORMAT)
const read = (time: string) =>
  readRecord({ linha: 2, fields: ['Ana', 'Rua 1', time] }, columns, readLine(new Date('2026-01-01')))

test.each([
  ['2025-10-15T12:34:56-03:00', '2025-10-15T15:34:56.000Z'],
  ['15/10/2025 12:34', '2025-10-15T15:34:00.000Z'],
  ['5/1/2019 9:05:07', '2019-01-05T11:05:07.000Z'],
])('an order of a file was received at %s', (written, instant) => {
  expect(read(written)).toMatchObject({ pedido: { occurredAt: new Date(instant) } })
})

test.each(['15/10/2025', '31/02/2025 12:34', '15/10/2025 24:00', '2025-10-15 12:34', 'ontem'])(
  '%j is refused, and said what it was',
  (written) => {
    const error = { linha: 2, coluna: 'occurred_at', valor: written, motivo: expect.stringContaining('São Paulo') }
    expect(read(written)).toEqual({ erros: [error] })
  },
)
