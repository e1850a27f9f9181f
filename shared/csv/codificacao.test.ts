import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codificacaoDeCharset, createDecodificador } from './codificacao.ts'

const decodificar = (bytes: Buffer, tamanho: number, declarada?: 'utf-8' | 'windows-1252'): string => {
  const d = createDecodificador(declarada)
  let texto = ''
  for (let i = 0; i < bytes.length; i += tamanho) texto += d.decodificar(bytes.subarray(i, i + tamanho))
  return texto + d.fim()
}
const tamanhos = [1, 2, 3, 7, 1_000]

test('any UTF-8 text comes out as it went in, in pieces of any size', () => {
  const texto = fc.string({ unit: fc.constantFrom('a', '\n', 'ç', 'ã', '€', '😀', '\u0080') })
  fc.assert(
    fc.property(texto, fc.constantFrom(...tamanhos), (original, tamanho) => {
      expect(decodificar(Buffer.from(original), tamanho)).toBe(original)
    }),
  )
})

describe.each(tamanhos)('in pieces of %i bytes', (tamanho) => {
  test('Latin-1 is recognised by its first accented letter, and is windows-1252', () => {
    expect(decodificar(Buffer.from('Descrição: pão', 'latin1'), tamanho)).toBe('Descrição: pão')
    expect(decodificar(Buffer.from([0x61, 0x80, 0x96, 0xe7]), tamanho)).toBe('a€–ç')
    expect(decodificar(Buffer.from('café', 'latin1'), tamanho)).toBe('café')
  })

  test('a byte order mark is dropped, and only at the beginning', () => {
    expect(decodificar(Buffer.from('\ufeffdata\ufeff'), tamanho)).toBe('data\ufeff')
  })

  test('a broken byte in a UTF-8 file stays visible instead of turning the file into Latin-1', () => {
    const bytes = Buffer.concat([Buffer.from('ção '), Buffer.from([0xe7]), Buffer.from(' ção')])
    expect(decodificar(bytes, tamanho)).toBe('ção \ufffd ção')
  })

  test('a declared charset settles it', () => {
    expect(decodificar(Buffer.from('Ã£', 'latin1'), tamanho, 'windows-1252')).toBe('Ã£')
    expect(decodificar(Buffer.from('ã', 'latin1'), tamanho, 'utf-8')).toBe('\ufffd')
    expect(decodificar(Buffer.from('\ufeffã'), tamanho, 'utf-8')).toBe('ã')
  })
})

test('only charsets that are read are known', () => {
  expect(codificacaoDeCharset('ISO-8859-1')).toBe('windows-1252')
  expect(codificacaoDeCharset('UTF-8')).toBe('utf-8')
  expect(codificacaoDeCharset('utf-16')).toBeUndefined()
})
