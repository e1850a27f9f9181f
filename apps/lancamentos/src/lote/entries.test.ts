import { DomainError } from '@fluxo/shared/errors'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type LoteEntry, type ReadLote, readJson, readNdjson } from './entries.ts'

const entry = (fields: object = {}) =>
  JSON.stringify({ valor: 10.5, tipo: 'CREDITO', descricao: 'Venda', data: '2025-10-15', ...fields })

const read = (askAs: ReadLote, text: string): LoteEntry[] => {
  const readStore = askAs(Buffer.from(text))
  for (;;) {
    const { done, value } = readStore.next()
    if (done) return value
  }
}
const codigoOf = (askAs: ReadLote, text: string): string => {
  try {
    read(askAs, text)
    return 'lido'
  } catch (error) {
    return error instanceof DomainError ? error.codigo : String(error)
  }
}

test('a list is read as its entries are one by one, and a text that is no list is refused as such', () => {
  const piece = fc.constantFrom(
    entry(),
    entry({ valor: 1 }),
    entry({ extra: [{}, ','] }),
    '{}',
    'null',
    '"]"',
    '{',
    ']',
  )
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 5 }),
      fc.constantFrom('[', '', ' [', '{'),
      (pieces, opens) => {
        const text = `${opens}${pieces.join(' ,\n')}]`
        let list: unknown
        try {
          list = JSON.parse(text)
        } catch {
          expect(codigoOf(readJson, text)).toBe('json-invalido')
          return
        }
        if (!Array.isArray(list)) return expect(codigoOf(readJson, text)).toBe('dados-invalidos')
        const alone = list.map((_, i) => read(readJson, `[${JSON.stringify(list[i])}]`)[0])
        expect(read(readJson, text)).toEqual(alone.map((one, i) => ({ ...one, linha: i + 1 })))
      },
    ),
  )
})

test('an amount is exact in each entry, also where it is written in unusual ways', () => {
  const text = `[${entry().replace('10.5', '0.30')},{"valor":1,${entry().slice(1)},${entry().replace('"valor"', '"val\\u006fr"')}]`
  expect(read(readJson, text)).toMatchObject([
    { novo: { valor: 30n } },
    { novo: { valor: 1050n } },
    { novo: { valor: 1050n } },
  ])
})

const LONG = entry({ descricao: 'x'.repeat(64 * 1024) })
test.each([
  ['an entry that is too long', `[${entry()},${LONG}]`, `${entry()}\n${LONG}`, 'corpo-grande-demais'],
  ['one entry too many', `[${'0,'.repeat(10_000)}0]`, '0\n'.repeat(10_001), 'lote-grande-demais'],
  ['only blanks between the brackets', ' [ \n ] ', ' \n \r\n', 'lote-vazio'],
  ['a list of lists', `[[${entry()}]]`, `[${entry()}]`, 'lido'],
])('%s', (_, json, ndjson, codigo) => {
  expect([codigoOf(readJson, json), codigoOf(readNdjson, ndjson)]).toEqual([codigo, codigo])
})

test('ten entries may have one referencia; each has to see the one before, so more of them are refused', () => {
  const text = `[${Array.from({ length: 12 }, () => entry({ referencia: 'r' })).join(',')},${entry({ referencia: 's' })}]`
  const readings = read(readJson, text)
  expect(readings.map((one) => 'novo' in one)).toEqual([...Array(10).fill(true), false, false, true])
  expect(readings[10]).toMatchObject({ linha: 11, erro: { codigo: 'referencia-repetida', campo: 'referencia' } })
})
