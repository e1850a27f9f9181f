import { expect, test } from 'vitest'
import { cursorScope, filtersOf } from './listar.ts'

test('two scopes are never the same text', () => {
  expect(cursorScope('a', { referencia: 'b' })).not.toBe(cursorScope('a', { tipo: 'DEBITO' }))
  expect(cursorScope('a', { de: '2025-10-01' })).not.toBe(cursorScope('a', { ate: '2025-10-01' }))
})

test('data is one day, and does not stand beside a period; a period does not end before it begins', () => {
  expect(filtersOf({ data: '2025-10-15' })).toMatchObject({ de: '2025-10-15', ate: '2025-10-15' })
  expect(() => filtersOf({ data: '2025-10-15', de: '2025-10-01' })).toThrow('inválidos')
  expect(() => filtersOf({ de: '2025-10-02', ate: '2025-10-01' })).toThrow('inválidos')
})
