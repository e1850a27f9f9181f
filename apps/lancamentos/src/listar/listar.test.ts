import { createCursor } from '@fluxo/shared/http/cursor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escopoDoCursor, filtrosDe, lerPonto, paginar, textoDoPonto } from './listar.ts'

const cursor = createCursor({ segredo: 'segredo-de-teste-com-mais-de-32-bytes', uso: 'lancamentos' })
const ponto = { data: '2025-10-15', posicao: 1234 }
const escopo = escopoDoCursor('loja-1', { de: '2025-10-01' })
const invalido = expect.objectContaining({ codigo: 'cursor-invalido' })

describe('a cursor', () => {
  test('comes back as the point that it was made of, in any instance with the same secret', () => {
    const outra = createCursor({ segredo: 'segredo-de-teste-com-mais-de-32-bytes', uso: 'lancamentos' })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (posicao) => {
        const texto = cursor.escrever(textoDoPonto({ ...ponto, posicao }), escopo)
        expect(lerPonto(outra.ler(texto, escopo))).toEqual({ ...ponto, posicao })
      }),
    )
  })

  test('of another merchant, other filters or another secret is refused', () => {
    const texto = cursor.escrever(textoDoPonto(ponto), escopo)
    for (const outro of [escopoDoCursor('loja-2', { de: '2025-10-01' }), escopoDoCursor('loja-1', {})]) {
      expect(() => cursor.ler(texto, outro)).toThrow(invalido)
    }
    expect(() =>
      createCursor({ segredo: 'outro-segredo-com-mais-de-32-bytes!!', uso: 'lancamentos' }).ler(texto, escopo),
    ).toThrow(invalido)
  })

  test('that was touched, or is no cursor at all, is refused', () => {
    const texto = cursor.escrever(textoDoPonto(ponto), escopo)
    const bytes = Buffer.from(texto, 'base64url')
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (i, x) => {
        const tocado = Buffer.from(bytes)
        tocado[i] = (tocado[i] ?? 0) ^ x
        expect(() => cursor.ler(tocado.toString('base64url'), escopo)).toThrow(invalido)
      }),
    )
    for (const lixo of ['', 'x', '!!!', 'a'.repeat(10_000)]) expect(() => cursor.ler(lixo, escopo)).toThrow(invalido)
  })
})

test('two scopes are never the same text', () => {
  expect(escopoDoCursor('a', { referencia: 'b' })).not.toBe(escopoDoCursor('a', { tipo: 'DEBITO' }))
  expect(escopoDoCursor('a', { de: '2025-10-01' })).not.toBe(escopoDoCursor('a', { ate: '2025-10-01' }))
})

test('data is one day, and does not stand beside a period; a period does not end before it begins', () => {
  expect(filtrosDe({ data: '2025-10-15' })).toMatchObject({ de: '2025-10-15', ate: '2025-10-15' })
  expect(() => filtrosDe({ data: '2025-10-15', de: '2025-10-01' })).toThrow('inválidos')
  expect(() => filtrosDe({ de: '2025-10-02', ate: '2025-10-01' })).toThrow('inválidos')
})

test('there is a next page exactly where one more row was found', () => {
  const linhas = [3, 2, 1].map((posicao) => ({ ...ponto, posicao }))
  expect(paginar(linhas, 2)).toEqual({ itens: linhas.slice(0, 2), depois: { ...ponto, posicao: 2 } })
  expect(paginar(linhas, 3)).toEqual({ itens: linhas })
  expect(paginar([], 3)).toEqual({ itens: [] })
})
