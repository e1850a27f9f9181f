import { createCursor } from '@fluxo/shared/http/page/cursor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cursorScope, filtersOf, paginate, pointText, readPoint } from './listar.ts'

const cursor = createCursor({ secret: 'segredo-de-teste-com-mais-de-32-bytes', purpose: 'lancamentos' })
const point = { data: '2025-10-15', posicao: 1234 }
const scope = cursorScope('loja-1', { de: '2025-10-01' })
const invalid = expect.objectContaining({ codigo: 'cursor-invalido' })

describe('a cursor', () => {
  test('comes back as the point that it was made of, in any instance with the same secret', () => {
    const otherFilters = createCursor({ secret: 'segredo-de-teste-com-mais-de-32-bytes', purpose: 'lancamentos' })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (posicao) => {
        const text = cursor.write(pointText({ ...point, posicao }), scope)
        expect(readPoint(otherFilters.read(text, scope))).toEqual({ ...point, posicao })
      }),
    )
  })

  test('of another merchant, other filters or another secret is refused', () => {
    const text = cursor.write(pointText(point), scope)
    for (const other of [cursorScope('loja-2', { de: '2025-10-01' }), cursorScope('loja-1', {})]) {
      expect(() => cursor.read(text, other)).toThrow(invalid)
    }
    expect(() =>
      createCursor({ secret: 'outro-segredo-com-mais-de-32-bytes!!', purpose: 'lancamentos' }).read(text, scope),
    ).toThrow(invalid)
  })

  test('that was touched, or is no cursor at all, is refused', () => {
    const text = cursor.write(pointText(point), scope)
    const bytes = Buffer.from(text, 'base64url')
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (i, x) => {
        const touched = Buffer.from(bytes)
        touched[i] = (touched[i] ?? 0) ^ x
        expect(() => cursor.read(touched.toString('base64url'), scope)).toThrow(invalid)
      }),
    )
    for (const rubbish of ['', 'x', '!!!', 'a'.repeat(10_000)])
      expect(() => cursor.read(rubbish, scope)).toThrow(invalid)
  })
})

test('two scopes are never the same text', () => {
  expect(cursorScope('a', { referencia: 'b' })).not.toBe(cursorScope('a', { tipo: 'DEBITO' }))
  expect(cursorScope('a', { de: '2025-10-01' })).not.toBe(cursorScope('a', { ate: '2025-10-01' }))
})

test('data is one day, and does not stand beside a period; a period does not end before it begins', () => {
  expect(filtersOf({ data: '2025-10-15' })).toMatchObject({ de: '2025-10-15', ate: '2025-10-15' })
  expect(() => filtersOf({ data: '2025-10-15', de: '2025-10-01' })).toThrow('inválidos')
  expect(() => filtersOf({ de: '2025-10-02', ate: '2025-10-01' })).toThrow('inválidos')
})

test('there is a next page exactly where one more row was found', () => {
  const rows = [3, 2, 1].map((posicao) => ({ ...point, posicao }))
  expect(paginate(rows, 2)).toEqual({ itens: rows.slice(0, 2), after: { ...point, posicao: 2 } })
  expect(paginate(rows, 3)).toEqual({ itens: rows })
  expect(paginate([], 3)).toEqual({ itens: [] })
})
