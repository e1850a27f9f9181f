import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLeitorCsv, type RegistroCsv } from './leitor.ts'

const lerTudo = (texto: string, cortes: readonly number[] = [], max?: number): RegistroCsv[] => {
  const leitor = createLeitorCsv(max)
  const pontos = [0, ...cortes.map((c) => c % (texto.length + 1)).sort((a, b) => a - b), texto.length]
  const pedacos = pontos.slice(1).map((fim, i) => texto.slice(pontos[i], fim))
  return [...pedacos.flatMap((pedaco) => leitor.ler(pedaco)), ...leitor.ler('', true)]
}
const campos = (registros: RegistroCsv[]) => registros.map((r) => ('campos' in r ? r.campos : r.motivo))

const campo = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', '\r\n', ' '), minLength: 0, maxLength: 5 })
const escrito = campo.map((c) => (/[",\n\r]/.test(c) ? `"${c.replaceAll('"', '""')}"` : c))

test('a well-formed file is read as csv-parse reads it, however its pieces are cut', () => {
  const tabela = fc.array(fc.array(escrito, { minLength: 2, maxLength: 4 }), { maxLength: 6 })
  fc.assert(
    fc.property(
      tabela,
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 8 }),
      (linhas, quebra, final, cortes) => {
        const texto = ['x,y', ...linhas.map((l) => l.join(','))].join(quebra) + (final ? quebra : '')
        const esperado: string[][] = parse(texto, { relax_column_count: true, record_delimiter: ['\n', '\r\n'] })
        expect(campos(lerTudo(texto, cortes))).toEqual(esperado)
      },
    ),
    { numRuns: 1_500 },
  )
})

test('what is read, line numbers included, never depends on how the pieces are cut, also in garbage', () => {
  const lixo = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'bbbbbbbb'), maxLength: 40 })
  fc.assert(
    fc.property(lixo, fc.array(fc.nat(), { maxLength: 12 }), (texto, cortes) => {
      expect(lerTudo(`x,y\n${texto}`, cortes, 12)).toEqual(lerTudo(`x,y\n${texto}`, [], 12))
    }),
    { numRuns: 5_000, examples: [['aaabbbbbbbba,"', [821_040_481]]] },
  )
})

describe('a broken record costs itself only', () => {
  test.each([
    [
      'a quote that never closes',
      'x,y\n1,"abc\n2,b\n3,c\n',
      [{ linha: 2 }, { linha: 3, campos: ['2', 'b'] }, { linha: 4 }],
    ],
    ['a quote that closes in the next line', 'x,y\n1,"a\n2,"b"\n3,c', [{ linha: 2 }, { linha: 3 }, { linha: 4 }]],
    ['text after a closing quote', 'x,y\n"a"b,c\n1,2', [{ linha: 2 }, { linha: 3, campos: ['1', '2'] }]],
  ])('%s', (_, texto, esperado) => {
    const lido = lerTudo(texto).slice(1)
    expect(lido).toMatchObject(esperado)
    expect(lido[0]).toHaveProperty('motivo')
  })

  test('a line that is too long is skipped to its end, in constant memory', () => {
    const leitor = createLeitorCsv()
    leitor.ler('x,y\n')
    const lidos: RegistroCsv[] = []
    for (let i = 0; i < 200; i += 1) lidos.push(...leitor.ler('z'.repeat(1_000)))
    lidos.push(...leitor.ler('\n1,2\n', true))
    expect(lidos).toEqual([
      { linha: 2, motivo: expect.stringContaining('longa demais') },
      { linha: 3, campos: ['1', '2'] },
    ])
  })

  test('an unclosed quote reaches no further than the longest record', () => {
    const linhas = Array.from({ length: 2_000 }, (_, i) => `${i},b`)
    const lidos = lerTudo(`x,y\n0,"a\n${linhas.join('\n')}`)
    expect(lidos).toHaveLength(2_002)
    expect(lidos[1]).toEqual({ linha: 2, motivo: expect.stringContaining('sem fechamento') })
    expect(lidos.at(-1)).toEqual({ linha: 2_002, campos: ['1999', 'b'], aberta: true })
  })
})

test('lines are counted as an editor shows them, through quoted line breaks and blank lines', () => {
  expect(lerTudo('x;y\n\n"a\nb\r\nc";d\r\n  \r\ne;f')).toEqual([
    { linha: 1, campos: ['x', 'y'] },
    { linha: 3, campos: ['a\nb\r\nc', 'd'] },
    { linha: 7, campos: ['e', 'f'], aberta: true },
  ])
})

test.each([
  ['a;b', true],
  ['a;b\n', undefined],
  ['a;"b"', true],
  ['a;"b"\r\n', undefined],
])('%j: whether a line break ends the last record is told', (texto, aberta) => {
  expect(lerTudo(`x;y\n${texto}`).at(-1)).toEqual({ linha: 2, campos: ['a', 'b'], ...(aberta && { aberta }) })
})

test('the header decides the separator', () => {
  expect(campos(lerTudo('x;y\n1,5;2'))).toEqual([
    ['x', 'y'],
    ['1,5', '2'],
  ])
  expect(campos(lerTudo('x,y\n1;5,2'))).toEqual([
    ['x', 'y'],
    ['1;5', '2'],
  ])
})

test('a quote inside an unquoted field is a character like any other', () => {
  expect(campos(lerTudo('x,y\nTV 42" nova,2'))).toEqual([
    ['x', 'y'],
    ['TV 42" nova', '2'],
  ])
})
