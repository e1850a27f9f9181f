import { readHeader as readCsvHeader } from '@fluxo/shared/csv/header'
import { createOrdinals } from '@fluxo/shared/csv/ordinals'
import { createCsvReader } from '@fluxo/shared/csv/reader'
import { ERRORS_MAX } from '@fluxo/shared/csv/report'
import { readCsvValor, readRecord } from '@fluxo/shared/csv/row'
import { DomainError, ValidationError } from '@fluxo/shared/errors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Lancamento } from '../domain/lancamento.ts'
import type { Registration } from '../registrar/registration.ts'
import { createImportacao, destinationOf } from './importar.ts'
import { IMPORT_FORMAT, readLine } from './line.ts'

const readHeader = (fields: string[]) => readCsvHeader(fields, IMPORT_FORMAT)
const readOne = (line: number, fields: string[]) => {
  const reading = readRecord({ linha: line, fields }, columns, readLine)
  return 'pedido' in reading ? reading.pedido : reading.erros
}

describe('amounts of a file', () => {
  test.each([
    ['1234.56', 123456n],
    ['1234,56', 123456n],
    ['1.234,56', 123456n],
    ['1.234.567,8', 123456780n],
    ['1.234.567', 123456700n],
    ['1234', 123400n],
    ['0,05', 5n],
    ['R$ 50,00', 5000n],
    ['R$\u00a01.234,56', 123456n],
    ['r$1234.56', 123456n],
    ['9.999.999.999.999,99', 999_999_999_999_999n],
  ])('%s', (text, cents) => expect(readCsvValor(text)).toBe(cents))

  test.each([
    ['1.234', 'Ambíguo: escreva 1234.00 ou 1.234,00.'],
    ['1,234', 'Deve ter no máximo 2 casas decimais.'],
    ['1,234.56', 'Deve ser um valor como 1234.56, 1.234,56 ou R$ 1.234,56.'],
    ['1.23,45', 'Deve ser um valor como 1234.56, 1.234,56 ou R$ 1.234,56.'],
    ['12.34.56', 'Deve ser um valor como 1234.56, 1.234,56 ou R$ 1.234,56.'],
    ['R$ 1.234', 'Ambíguo: escreva 1234.00 ou 1.234,00.'],
    ['-R$ 5,00', 'Deve ser maior que zero.'],
    ['US$ 5,00', 'Deve ser um valor como 1234.56, 1.234,56 ou R$ 1.234,56.'],
    ['R$', 'Deve ser um valor como 1234.56, 1.234,56 ou R$ 1.234,56.'],
    ['', 'Deve ser um valor como 1234.56, 1.234,56 ou R$ 1.234,56.'],
    ['1e3', 'Deve ser um valor como 1234.56, 1.234,56 ou R$ 1.234,56.'],
    ['0,00', 'Deve ser maior que zero.'],
    ['-5,00', 'Deve ser maior que zero.'],
    ['10.000.000.000.000,00', 'Deve ser no máximo 9999999999999.99.'],
  ])('%s is refused', (text, motivo) => expect(readCsvValor(text)).toBe(motivo))

  test('every amount is read the same in all its writings', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 999_999_999_999_999n }), (cents) => {
        const whole = (cents / 100n).toString()
        const decimals = (cents % 100n).toString().padStart(2, '0')
        const thousands = whole.replaceAll(/\B(?=(\d{3})+$)/g, '.')
        const brazilian = `${thousands},${decimals}`
        for (const text of [`${whole}.${decimals}`, `${whole},${decimals}`, brazilian, `R$ ${brazilian}`]) {
          expect(readCsvValor(text)).toBe(cents)
        }
      }),
    )
  })
})

describe('the header', () => {
  test('takes its columns in any order, case and accents', () => {
    expect(readHeader([' Valor', 'DESCRIÇÃO', 'data ', 'Tipo', 'Referência'])).toEqual({
      at: { valor: 0, descricao: 1, data: 2, tipo: 3, referencia: 4 },
      count: 5,
      least: 4,
    })
    expect(readHeader(['data', 'tipo', 'valor', 'descricao']).at.referencia).toBe(-1)
  })

  test('names every column that is missing, repeated or unknown', () => {
    const error = (): unknown => readHeader(['data', 'data', 'valor', '', 'historico'])
    expect(error).toThrow(ValidationError)
    try {
      error()
    } catch (e) {
      expect((e as ValidationError).erros.map(({ campo }) => campo)).toEqual([
        'data',
        'tipo',
        'descricao',
        'coluna 4',
        'historico',
      ])
    }
  })

  test.each(['PK\u0003\u0004', 'ÿþd\u0000', '\ufffd\ufffd', 'a\u0000b'])(
    'a file that is no text is refused as such: %j',
    (campo) => {
      expect(() => readHeader([campo, 'tipo'])).toThrow(expect.objectContaining({ codigo: 'arquivo-nao-e-csv' }))
    },
  )
})

const columns = readHeader(['data', 'tipo', 'valor', 'descricao', 'referencia'])

test('a line names each of its wrong columns, or says that its fields do not fit', () => {
  expect(readOne(7, ['31/02/2025', 'entrada', '1.234', 'a\nb', 'x'.repeat(129)])).toMatchObject([
    { linha: 7, coluna: 'data', valor: '31/02/2025', motivo: expect.stringContaining('15/10/2025') },
    { linha: 7, coluna: 'tipo', valor: 'entrada' },
    { linha: 7, coluna: 'valor', valor: '1.234' },
    { linha: 7, coluna: 'descricao', valor: 'a\nb' },
    { linha: 7, coluna: 'referencia', valor: `${'x'.repeat(80)}…` },
  ])
  expect(readOne(2, ['a', 'b'])).toEqual([{ linha: 2, coluna: null, motivo: 'Esperados 5 campos, encontrados 2.' }])
  expect(readOne(2, ['2025-10-15', 'DEBITO', '1', '234', 'x', 'y'])).toMatchObject([
    { motivo: expect.stringContaining('aspas') },
  ])
  expect(readOne(2, ['2025-10-15', 'DEBITO', '1,00', 'p\ufffdo', ''])).toMatchObject([
    { coluna: 'descricao', motivo: expect.stringContaining('UTF-8') },
  ])
})

test('a line without referencia, or with a blank one, is an entry without it', () => {
  const novo = { data: '2025-10-15', tipo: 'DEBITO', valor: 100n, descricao: 'x', referencia: undefined }
  expect(readOne(2, ['2025-10-15', ' DEBITO', '1,00', ' x ', ' '])).toEqual(novo)
})

test('the table of ordinals counts like a Map, through all its growth', () => {
  const impressao = fc.integer({ min: 0, max: 6_000 }).map((n) => {
    const mixed = (BigInt(n) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn
    return mixed.toString(16).padStart(16, '0').padEnd(32, '0')
  })
  fc.assert(
    fc.property(fc.array(impressao, { minLength: 20_000, maxLength: 20_000, size: 'max' }), (impressoes) => {
      const ordinals = createOrdinals()
      const counts = new Map<string, number>()
      for (const i of impressoes) {
        counts.set(i, (counts.get(i) ?? 0) + 1)
        if (ordinals.next(i) !== counts.get(i)) throw new Error(i)
      }
    }),
    { numRuns: 3 },
  )
})

const read = (text: string, options?: Parameters<typeof createImportacao>[0]) => {
  const importacao = createImportacao(options)
  return { importacao, ready: importacao.decide(createCsvReader().read(text, true)) }
}
const HEADER = 'data,tipo,valor,descricao,referencia\n'

test('equal lines of one file are different entries, and the same ones when the file comes again', () => {
  const lines = ['2025-10-15,DEBITO,5.00,Café,', '2025-10-15,DEBITO,5.00,Café,', '2025-10-15,DEBITO,"5,00",Café,']
  const chaves = read(HEADER + lines.join('\n')).ready.map(({ chave }) => chave)
  expect(new Set(chaves).size).toBe(3)
  expect(read(HEADER + lines.join('\n')).ready.map(({ chave }) => chave)).toEqual(chaves)
})

test('a corrected line leaves the keys of all other lines as they were', () => {
  const line = fc.constantFrom('2025-10-15,DEBITO,5.00,Café,', '2025-10-15,DEBITO,6.00,Pão,', '2025-10-15,DEBITO,x,?,')
  fc.assert(
    fc.property(fc.array(line, { minLength: 1 }), fc.nat(), (lines, n) => {
      const wrong = (lines as string[]).with(n % lines.length, '2025-10-15,DEBITO,7.OO,errada,')
      const right = (lines as string[]).with(n % lines.length, '2025-10-15,DEBITO,7.00,certa,')
      const before = read(HEADER + wrong.join('\n')).ready.map(({ chave }) => chave)
      const after = read(HEADER + right.join('\n')).ready
      expect(after.filter(({ pedido: novo }) => novo.descricao !== 'certa').map(({ chave }) => chave)).toEqual(before)
    }),
  )
})

test('a line with referencia needs no key: the referencia is one', () => {
  expect(read(`${HEADER}2025-10-15,DEBITO,5.00,Café,r-1`).ready).toMatchObject([{ chave: undefined, linha: 2 }])
})

test('beyond the size of the table, lines without referencia are refused and the others go in', () => {
  const lines = [1, 2, 3, 1].map((v) => `2025-10-15,DEBITO,${v}.00,Café,`)
  const { importacao, ready } = read(`${HEADER}${lines.join('\n')}\n2025-10-15,DEBITO,5.00,Café,r-1`, {
    contentsMax: 2,
  })
  expect(ready.map(({ linha: line }) => line)).toEqual([2, 3, 5, 6])
  expect(importacao.conclude()).toMatchObject({ recusados: 1, erros: [{ linha: 4, coluna: 'referencia' }] })
})

test('the report counts everything and lists the first errors by line', () => {
  const { importacao } = read(HEADER + Array.from({ length: 1_000 }, () => 'x,y').join('\n'))
  const { erros: errors, ...total } = importacao.conclude()
  expect(total).toEqual({ linhas: 1_000, criados: 0, repetidos: 0, recusados: 1_000 })
  expect(errors.map(({ linha: line }) => line)).toEqual(Array.from({ length: ERRORS_MAX }, (_, i) => i + 2))
})

test('what the ledger answers is counted, and a conflict is told with the entry in the way', () => {
  const { importacao, ready } = read(`${HEADER}2025-10-15,DEBITO,5.00,Café,r-1`)
  const [line] = ready
  if (!line) throw new Error('no line')
  const lancamento = { id: 'ID' } as Lancamento
  const registration = { particao: 0, posicao: 1, lancamento }
  const outcomes: Registration[] = [
    { ...registration, outcome: 'created' },
    { ...registration, outcome: 'repeated' },
    { ...registration, outcome: 'reference-conflict', sameContent: true },
    { ...registration, outcome: 'reference-conflict', sameContent: false },
    { ...registration, outcome: 'key-conflict' },
  ]
  for (const outcome of outcomes) importacao.note(line, destinationOf(outcome))
  const { erros: errors, ...total } = importacao.conclude()
  expect(total).toEqual({ linhas: 5, criados: 1, repetidos: 2, recusados: 2 })
  expect(errors.every(({ motivo }) => motivo.includes('ID'))).toBe(true)
})

test.each([
  ['', 'arquivo-vazio'],
  ['\n\n', 'arquivo-vazio'],
  [HEADER, 'arquivo-vazio'],
])('a file without entries is refused: %j', (text, codigo) => {
  expect(() => read(text).importacao.conclude()).toThrow(expect.objectContaining({ codigo }))
  expect(() => read(text).importacao.conclude()).toThrow(DomainError)
})

test('a header that cannot even be read is refused', () => {
  expect(() => read('"data,tipo')).toThrow(expect.objectContaining({ codigo: 'arquivo-nao-e-csv' }))
})
