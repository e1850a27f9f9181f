import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createDecoder, encodingOfCharset } from './encoding.ts'

const decode = (bytes: Buffer, size: number, declared?: 'utf-8' | 'windows-1252'): string => {
  const d = createDecoder(declared)
  let text = ''
  for (let i = 0; i < bytes.length; i += size) text += d.decode(bytes.subarray(i, i + size))
  return text + d.end()
}
const sizes = [1, 2, 3, 7, 1_000]

test('any UTF-8 text comes out as it went in, in pieces of any size', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', 'ç', 'ã', '€', '😀', '\u0080') })
  fc.assert(
    fc.property(text, fc.constantFrom(...sizes), (original, size) => {
      expect(decode(Buffer.from(original), size)).toBe(original)
    }),
  )
})

describe.each(sizes)('in pieces of %i bytes', (size) => {
  test('Latin-1 is recognised by its first accented letter, and is windows-1252', () => {
    expect(decode(Buffer.from('Descrição: pão', 'latin1'), size)).toBe('Descrição: pão')
    expect(decode(Buffer.from([0x61, 0x80, 0x96, 0xe7]), size)).toBe('a€–ç')
    expect(decode(Buffer.from('café', 'latin1'), size)).toBe('café')
  })

  test('a byte order mark is dropped, and only at the beginning', () => {
    expect(decode(Buffer.from('\ufeffdata\ufeff'), size)).toBe('data\ufeff')
  })

  test('a broken byte in a UTF-8 file stays visible instead of turning the file into Latin-1', () => {
    const bytes = Buffer.concat([Buffer.from('ção '), Buffer.from([0xe7]), Buffer.from(' ção')])
    expect(decode(bytes, size)).toBe('ção \ufffd ção')
  })

  test('a declared charset settles it', () => {
    expect(decode(Buffer.from('Ã£', 'latin1'), size, 'windows-1252')).toBe('Ã£')
    expect(decode(Buffer.from('ã', 'latin1'), size, 'utf-8')).toBe('\ufffd')
    expect(decode(Buffer.from('\ufeffã'), size, 'utf-8')).toBe('ã')
  })
})

test('only charsets that are read are known', () => {
  expect(encodingOfCharset('ISO-8859-1')).toBe('windows-1252')
  expect(encodingOfCharset('UTF-8')).toBe('utf-8')
  expect(encodingOfCharset('utf-16')).toBeUndefined()
})
