import { lerCabecalho as lerCabecalhoCsv } from '@fluxo/shared/csv/cabecalho'
import { createLeitorCsv } from '@fluxo/shared/csv/leitor'
import { lerRegistro, lerValorCsv } from '@fluxo/shared/csv/linha'
import { createOrdinais } from '@fluxo/shared/csv/ordinais'
import { ERROS_MAX } from '@fluxo/shared/csv/relatorio'
import { DomainError, ValidationError } from '@fluxo/shared/errors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Lancamento } from '../domain/lancamento.ts'
import type { Registro } from '../registrar/registro.ts'
import { createImportacao, destinoDe } from './importar.ts'
import { FORMATO, lerLinha } from './linha.ts'

const lerCabecalho = (campos: string[]) => lerCabecalhoCsv(campos, FORMATO)
const lerUma = (linha: number, campos: string[]) => {
  const lido = lerRegistro({ linha, campos }, colunas, lerLinha)
  return 'pedido' in lido ? lido.pedido : lido.erros
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
  ])('%s', (texto, centavos) => expect(lerValorCsv(texto)).toBe(centavos))

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
  ])('%s is refused', (texto, motivo) => expect(lerValorCsv(texto)).toBe(motivo))

  test('every amount is read the same in all its writings', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 999_999_999_999_999n }), (centavos) => {
        const inteiro = (centavos / 100n).toString()
        const decimais = (centavos % 100n).toString().padStart(2, '0')
        const milhares = inteiro.replaceAll(/\B(?=(\d{3})+$)/g, '.')
        const brasileiro = `${milhares},${decimais}`
        for (const texto of [`${inteiro}.${decimais}`, `${inteiro},${decimais}`, brasileiro, `R$ ${brasileiro}`]) {
          expect(lerValorCsv(texto)).toBe(centavos)
        }
      }),
    )
  })
})

describe('the header', () => {
  test('takes its columns in any order, case and accents', () => {
    expect(lerCabecalho([' Valor', 'DESCRIÇÃO', 'data ', 'Tipo', 'Referência'])).toEqual({
      em: { valor: 0, descricao: 1, data: 2, tipo: 3, referencia: 4 },
      quantas: 5,
      minimo: 4,
    })
    expect(lerCabecalho(['data', 'tipo', 'valor', 'descricao']).em.referencia).toBe(-1)
  })

  test('names every column that is missing, repeated or unknown', () => {
    const erro = (): unknown => lerCabecalho(['data', 'data', 'valor', '', 'historico'])
    expect(erro).toThrow(ValidationError)
    try {
      erro()
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
      expect(() => lerCabecalho([campo, 'tipo'])).toThrow(expect.objectContaining({ codigo: 'arquivo-nao-e-csv' }))
    },
  )
})

const colunas = lerCabecalho(['data', 'tipo', 'valor', 'descricao', 'referencia'])

test('a line names each of its wrong columns, or says that its fields do not fit', () => {
  expect(lerUma(7, ['31/02/2025', 'entrada', '1.234', 'a\nb', 'x'.repeat(129)])).toMatchObject([
    { linha: 7, coluna: 'data', valor: '31/02/2025', motivo: expect.stringContaining('15/10/2025') },
    { linha: 7, coluna: 'tipo', valor: 'entrada' },
    { linha: 7, coluna: 'valor', valor: '1.234' },
    { linha: 7, coluna: 'descricao', valor: 'a\nb' },
    { linha: 7, coluna: 'referencia', valor: `${'x'.repeat(80)}…` },
  ])
  expect(lerUma(2, ['a', 'b'])).toEqual([{ linha: 2, coluna: null, motivo: 'Esperados 5 campos, encontrados 2.' }])
  expect(lerUma(2, ['2025-10-15', 'DEBITO', '1', '234', 'x', 'y'])).toMatchObject([
    { motivo: expect.stringContaining('aspas') },
  ])
  expect(lerUma(2, ['2025-10-15', 'DEBITO', '1,00', 'p\ufffdo', ''])).toMatchObject([
    { coluna: 'descricao', motivo: expect.stringContaining('UTF-8') },
  ])
})

test('a line without referencia, or with a blank one, is an entry without it', () => {
  const pedido = { data: '2025-10-15', tipo: 'DEBITO', valor: 100n, descricao: 'x', referencia: undefined }
  expect(lerUma(2, ['2025-10-15', ' DEBITO', '1,00', ' x ', ' '])).toEqual(pedido)
})

test('the table of ordinals counts like a Map, through all its growth', () => {
  const impressao = fc.integer({ min: 0, max: 6_000 }).map((n) => {
    const misturado = (BigInt(n) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn
    return misturado.toString(16).padStart(16, '0').padEnd(32, '0')
  })
  fc.assert(
    fc.property(fc.array(impressao, { minLength: 20_000, maxLength: 20_000, size: 'max' }), (impressoes) => {
      const ordinais = createOrdinais()
      const contagem = new Map<string, number>()
      for (const i of impressoes) {
        contagem.set(i, (contagem.get(i) ?? 0) + 1)
        if (ordinais.proximo(i) !== contagem.get(i)) throw new Error(i)
      }
    }),
    { numRuns: 3 },
  )
})

const ler = (texto: string, opcoes?: Parameters<typeof createImportacao>[0]) => {
  const importacao = createImportacao(opcoes)
  return { importacao, prontas: importacao.decidir(createLeitorCsv().ler(texto, true)) }
}
const CABECALHO = 'data,tipo,valor,descricao,referencia\n'

test('equal lines of one file are different entries, and the same ones when the file comes again', () => {
  const linhas = ['2025-10-15,DEBITO,5.00,Café,', '2025-10-15,DEBITO,5.00,Café,', '2025-10-15,DEBITO,"5,00",Café,']
  const chaves = ler(CABECALHO + linhas.join('\n')).prontas.map(({ chave }) => chave)
  expect(new Set(chaves).size).toBe(3)
  expect(ler(CABECALHO + linhas.join('\n')).prontas.map(({ chave }) => chave)).toEqual(chaves)
})

test('a corrected line leaves the keys of all other lines as they were', () => {
  const linha = fc.constantFrom('2025-10-15,DEBITO,5.00,Café,', '2025-10-15,DEBITO,6.00,Pão,', '2025-10-15,DEBITO,x,?,')
  fc.assert(
    fc.property(fc.array(linha, { minLength: 1 }), fc.nat(), (linhas, n) => {
      const erradas = (linhas as string[]).with(n % linhas.length, '2025-10-15,DEBITO,7.OO,errada,')
      const certas = (linhas as string[]).with(n % linhas.length, '2025-10-15,DEBITO,7.00,certa,')
      const antes = ler(CABECALHO + erradas.join('\n')).prontas.map(({ chave }) => chave)
      const depois = ler(CABECALHO + certas.join('\n')).prontas
      expect(depois.filter(({ pedido }) => pedido.descricao !== 'certa').map(({ chave }) => chave)).toEqual(antes)
    }),
  )
})

test('a line with referencia needs no key: the referencia is one', () => {
  expect(ler(`${CABECALHO}2025-10-15,DEBITO,5.00,Café,r-1`).prontas).toMatchObject([{ chave: undefined, linha: 2 }])
})

test('beyond the size of the table, lines without referencia are refused and the others go in', () => {
  const linhas = [1, 2, 3, 1].map((v) => `2025-10-15,DEBITO,${v}.00,Café,`)
  const { importacao, prontas } = ler(`${CABECALHO}${linhas.join('\n')}\n2025-10-15,DEBITO,5.00,Café,r-1`, {
    conteudosMax: 2,
  })
  expect(prontas.map(({ linha }) => linha)).toEqual([2, 3, 5, 6])
  expect(importacao.concluir()).toMatchObject({ recusados: 1, erros: [{ linha: 4, coluna: 'referencia' }] })
})

test('the report counts everything and lists the first errors by line', () => {
  const { importacao } = ler(CABECALHO + Array.from({ length: 1_000 }, () => 'x,y').join('\n'))
  const { erros, ...total } = importacao.concluir()
  expect(total).toEqual({ linhas: 1_000, criados: 0, repetidos: 0, recusados: 1_000 })
  expect(erros.map(({ linha }) => linha)).toEqual(Array.from({ length: ERROS_MAX }, (_, i) => i + 2))
})

test('what the ledger answers is counted, and a conflict is told with the entry in the way', () => {
  const { importacao, prontas } = ler(`${CABECALHO}2025-10-15,DEBITO,5.00,Café,r-1`)
  const [linha] = prontas
  if (!linha) throw new Error('no line')
  const lancamento = { id: 'ID' } as Lancamento
  const registro = { particao: 0, posicao: 1, lancamento }
  const desfechos: Registro[] = [
    { ...registro, desfecho: 'criado' },
    { ...registro, desfecho: 'repetido' },
    { ...registro, desfecho: 'conflito-de-referencia', mesmoConteudo: true },
    { ...registro, desfecho: 'conflito-de-referencia', mesmoConteudo: false },
    { ...registro, desfecho: 'conflito-de-chave' },
  ]
  for (const desfecho of desfechos) importacao.anotar(linha, destinoDe(desfecho))
  const { erros, ...total } = importacao.concluir()
  expect(total).toEqual({ linhas: 5, criados: 1, repetidos: 2, recusados: 2 })
  expect(erros.every(({ motivo }) => motivo.includes('ID'))).toBe(true)
})

test.each([
  ['', 'arquivo-vazio'],
  ['\n\n', 'arquivo-vazio'],
  [CABECALHO, 'arquivo-vazio'],
])('a file without entries is refused: %j', (texto, codigo) => {
  expect(() => ler(texto).importacao.concluir()).toThrow(expect.objectContaining({ codigo }))
  expect(() => ler(texto).importacao.concluir()).toThrow(DomainError)
})

test('a header that cannot even be read is refused', () => {
  expect(() => ler('"data,tipo')).toThrow(expect.objectContaining({ codigo: 'arquivo-nao-e-csv' }))
})
