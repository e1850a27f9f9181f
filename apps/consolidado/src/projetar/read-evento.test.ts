import { readEvent, readText } from '@fluxo/shared/log/event'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readLancamento } from './read-evento.ts'

const BOM = {
  specversion: '1.0',
  source: '/lancamentos',
  subject: 'loja-1',
  datacontenttype: 'application/json',
  particao: 0,
  id: '0198a2b0-0000-7000-8000-000000000001',
  type: 'lancamento.registrado.v1',
  sequence: '0000000000000042',
  epoca: '11111111-1111-4111-8111-111111111111',
  time: '2024-02-29T12:00:00.000Z',
  data: { comerciante_id: 'loja-1', tipo: 'DEBITO', valor: '150.50', data: '2024-02-29' },
}
const com = (change: Record<string, unknown>) => ({ ...BOM, ...change })
const withData = (change: Record<string, unknown>) => com({ data: { ...BOM.data, ...change } })

test('a known fact is read exactly, and fields of tomorrow are ignored', () => {
  const reading = readEvent(readLancamento, 42, { ...com({ amanha: 1 }), data: { ...BOM.data, novo: true } })
  expect(reading).toEqual({
    outcome: 'read',
    epoca: BOM.epoca,
    traceparent: undefined,
    row: {
      posicao: 42,
      id: BOM.id,
      comercianteId: 'loja-1',
      data: '2024-02-29',
      valor: -15050n,
      registeredAt: Date.UTC(2024, 1, 29, 12),
    },
  })
})

test.each([
  ['another version', com({ type: 'lancamento.registrado.v2' }), 'unknown type: lancamento.registrado.v2'],
  ['another position', com({ sequence: '0000000000000043' }), 'sequence'],
  ['no id', com({ id: undefined }), 'not an event: id'],
  ['no epoch', com({ epoca: 'x' }), 'not an event: epoca'],
  ['a time that is none', com({ time: '2024-02-30T12:00:00Z' }), 'not an event: time'],
  ['a third decimal', withData({ valor: '1.005' }), 'data.valor'],
  ['a zero', withData({ valor: '0.00' }), 'data.valor'],
  ['a number', withData({ valor: 1.5 }), 'data.valor'],
  ['another kind', withData({ tipo: 'PIX' }), 'data.tipo'],
  ['a day that is not', withData({ data: '2025-02-29' }), 'data.data'],
  ['a day of another century', withData({ data: '1899-12-31' }), 'data.data'],
  ['a merchant with a brace', withData({ comerciante_id: 'a}b' }), 'data.comerciante_id'],
  ['nothing', null, 'not an event'],
])('%s is refused with a reason that names the field and no value', (_, evento, motivo) => {
  const reading = readEvent(readLancamento, 42, evento)
  expect(reading).toEqual({ outcome: 'unreadable', reason: expect.stringContaining(motivo) })
})

test('no text makes the reader throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(readText(readLancamento, 1, text).outcome).toBe('unreadable')
    }),
  )
})
