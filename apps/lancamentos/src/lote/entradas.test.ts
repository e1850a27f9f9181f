import { DomainError } from '@fluxo/shared/errors'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Entrada, type LerLote, lerJson, lerNdjson } from './entradas.ts'

const entrada = (campos: object = {}) =>
  JSON.stringify({ valor: 10.5, tipo: 'CREDITO', descricao: 'Venda', data: '2025-10-15', ...campos })

const ler = (como: LerLote, texto: string): Entrada[] => {
  const leitura = como(Buffer.from(texto))
  for (;;) {
    const { done, value } = leitura.next()
    if (done) return value
  }
}
const codigoDe = (como: LerLote, texto: string): string => {
  try {
    ler(como, texto)
    return 'lido'
  } catch (erro) {
    return erro instanceof DomainError ? erro.codigo : String(erro)
  }
}

test('a list is read as its entries are one by one, and a text that is no list is refused as such', () => {
  const pedaco = fc.constantFrom(
    entrada(),
    entrada({ valor: 1 }),
    entrada({ extra: [{}, ','] }),
    '{}',
    'null',
    '"]"',
    '{',
    ']',
  )
  fc.assert(
    fc.property(
      fc.array(pedaco, { minLength: 1, maxLength: 5 }),
      fc.constantFrom('[', '', ' [', '{'),
      (pedacos, abre) => {
        const texto = `${abre}${pedacos.join(' ,\n')}]`
        let lista: unknown
        try {
          lista = JSON.parse(texto)
        } catch {
          expect(codigoDe(lerJson, texto)).toBe('json-invalido')
          return
        }
        if (!Array.isArray(lista)) return expect(codigoDe(lerJson, texto)).toBe('dados-invalidos')
        const sozinhas = lista.map((_, i) => ler(lerJson, `[${JSON.stringify(lista[i])}]`)[0])
        expect(ler(lerJson, texto)).toEqual(sozinhas.map((uma, i) => ({ ...uma, linha: i + 1 })))
      },
    ),
  )
})

test('an amount is exact in each entry, also where it is written in unusual ways', () => {
  const texto = `[${entrada().replace('10.5', '0.30')},{"valor":1,${entrada().slice(1)},${entrada().replace('"valor"', '"val\\u006fr"')}]`
  expect(ler(lerJson, texto)).toMatchObject([
    { pedido: { valor: 30n } },
    { pedido: { valor: 1050n } },
    { pedido: { valor: 1050n } },
  ])
})

const LONGA = entrada({ descricao: 'x'.repeat(64 * 1024) })
test.each([
  ['an entry that is too long', `[${entrada()},${LONGA}]`, `${entrada()}\n${LONGA}`, 'corpo-grande-demais'],
  ['one entry too many', `[${'0,'.repeat(10_000)}0]`, '0\n'.repeat(10_001), 'lote-grande-demais'],
  ['only blanks between the brackets', ' [ \n ] ', ' \n \r\n', 'lote-vazio'],
  ['a list of lists', `[[${entrada()}]]`, `[${entrada()}]`, 'lido'],
])('%s', (_, json, ndjson, codigo) => {
  expect([codigoDe(lerJson, json), codigoDe(lerNdjson, ndjson)]).toEqual([codigo, codigo])
})

test('ten entries may have one referencia; each has to see the one before, so more of them are refused', () => {
  const texto = `[${Array.from({ length: 12 }, () => entrada({ referencia: 'r' })).join(',')},${entrada({ referencia: 's' })}]`
  const lidas = ler(lerJson, texto)
  expect(lidas.map((uma) => 'pedido' in uma)).toEqual([...Array(10).fill(true), false, false, true])
  expect(lidas[10]).toMatchObject({ linha: 11, erro: { codigo: 'referencia-repetida', campo: 'referencia' } })
})
