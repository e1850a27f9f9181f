import { describe, expect, test } from 'vitest'
import type { Lancamento } from '../domain/lancamento.ts'
import { asksTheSame, estornarLancamento } from './estornar.ts'

const original: Lancamento = {
  id: '0198aaaa-0000-7000-8000-000000000001',
  comercianteId: 'loja-1',
  tipo: 'CREDITO',
  valor: 15050n,
  data: '2025-10-01',
  descricao: 'Venda',
  referencia: 'NF-1',
  createdAt: new Date('2025-10-01T12:00:00Z'),
}
const idAndTime = { id: '0198aaaa-0000-7000-8000-000000000002', now: new Date('2025-10-16T01:00:00Z') }

describe('a reversal', () => {
  test('is the opposite entry of the same amount, today in São Paulo, and points at the original', () => {
    expect(estornarLancamento(original, {}, idAndTime)).toEqual({
      id: idAndTime.id,
      comercianteId: 'loja-1',
      tipo: 'DEBITO',
      valor: 15050n,
      data: '2025-10-15',
      descricao: 'Estorno: Venda',
      estorna: original.id,
      createdAt: idAndTime.now,
      traceparent: undefined,
    })
  })

  test('takes the day and the words that the merchant gives', () => {
    const request = { data: '2025-10-01', descricao: 'Devolvido' }
    expect(estornarLancamento({ ...original, tipo: 'DEBITO' }, request, idAndTime)).toMatchObject({
      ...request,
      tipo: 'CREDITO',
    })
  })

  test('of a long description is cut to what an entry may have', () => {
    const { descricao } = estornarLancamento({ ...original, descricao: '😀'.repeat(255) }, {}, idAndTime)
    expect([...descricao]).toHaveLength(255)
    expect(descricao.isWellFormed()).toBe(true)
  })

  test('of a reversal is refused', () => {
    const estorno = estornarLancamento(original, {}, idAndTime)
    expect(() => estornarLancamento(estorno, {}, idAndTime)).toThrow(
      expect.objectContaining({ codigo: 'estorno-de-estorno' }),
    )
  })
})

test('a request is the same as before where all that it says is the same', () => {
  const estorno = estornarLancamento(original, {}, idAndTime)
  expect(asksTheSame(estorno, original.id, {})).toBe(true)
  expect(asksTheSame(estorno, original.id, { data: '2025-10-15' })).toBe(true)
  expect(asksTheSame(estorno, original.id, { data: '2025-10-14' })).toBe(false)
  expect(asksTheSame(estorno, original.id, { descricao: 'outra' })).toBe(false)
  expect(asksTheSame(estorno, 'outro', {})).toBe(false)
})
