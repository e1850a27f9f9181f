import { expect, test } from 'vitest'
import { type Saldo, saldoJson } from '../domain/saldo.ts'
import { conferirDia, conferirEmCache, conferirMarca, jsonDe, linhaDe, type MarcaCrua } from './verificar.ts'

const DIA = { comercianteId: 'loja-1', data: '2025-10-15' }
const G = 2 ** 40
const soma = (creditos: bigint, debitos: bigint, quantidade: number) => ({ creditos, debitos, quantidade })

test('a day that is the sum of its entries is right, to the cent and beyond 2^53', () => {
  const grande = 9_007_199_254_740_993n
  expect(conferirDia(DIA, soma(grande, 5n, 3), { ...soma(grande, 5n, 3), versao: G + 2 }, 1)).toEqual([])
  const [diferenca] = conferirDia(DIA, soma(grande, 5n, 3), { ...soma(grande - 1n, 5n, 3), versao: G + 2 }, 1)
  expect(diferenca && linhaDe(diferenca)).toBe(
    'saldo   loja-1 2025-10-15: the ledger says +90071992547409.93 -0.05 (3), the balance is +90071992547409.92 -0.05 (3)',
  )
  expect(diferenca && jsonDe(diferenca)).toEqual({
    tipo: 'saldo',
    ...DIA,
    razao: { creditos: '90071992547409.93', debitos: '0.05', quantidade: 3 },
    saldo: { creditos: '90071992547409.92', debitos: '0.05', quantidade: 3 },
  })
})

test('a missing row, a row without entries and an impossible version are differences', () => {
  expect(conferirDia(DIA, soma(1n, 0n, 1), undefined, 1)).toMatchObject([{ tipo: 'saldo', saldo: null }])
  expect(conferirDia(DIA, soma(0n, 0n, 0), { ...soma(0n, 0n, 0), versao: G + 1 }, 1)[0]).toMatchObject({
    tipo: 'saldo',
  })
  for (const versao of [G, G + 3, 2 * G + 1]) {
    expect(conferirDia(DIA, soma(3n, 0n, 2), { ...soma(3n, 0n, 2), versao }, 1)).toMatchObject([{ tipo: 'versao' }])
  }
})

const MARCA: MarcaCrua = {
  particao: 0,
  aplicadaAte: 10,
  adiante: [{ de: 12, ate: 14 }],
  epoca: 'a',
  ultimaPosicao: 14,
  ultimoId: 'x',
  divergente: null,
}
const CABECA = { epoca: 'a', ultima: 20, idNaUltima: 'x' }

test.each([
  ['as it should be', {}, {}, []],
  ['a watermark moved ahead', { aplicadaAte: 18, adiante: [] }, {}, ['inbox']],
  ['a watermark moved back', { aplicadaAte: 9, adiante: [] }, {}, ['inbox']],
  ['a run at the watermark', { adiante: [{ de: 11, ate: 14 }] }, {}, ['inbox']],
  ['another epoch', {}, { epoca: 'b' }, ['epoca']],
  ['a ledger that ends before', {}, { ultima: 13, idNaUltima: undefined }, ['epoca']],
  ['another event at the last position', {}, { idNaUltima: 'y' }, ['epoca']],
  ['a projection that was stopped', { divergente: 'id-divergente' }, {}, ['epoca']],
])('an inbox with %s', (_, marca, cabeca, tipos) => {
  expect(conferirMarca({ ...MARCA, ...marca }, { ...CABECA, ...cabeca }).map(({ tipo }) => tipo)).toEqual(tipos)
})

test('a cached day is never newer than its row, equal where the version is, and may be older where it says the same', () => {
  const saldo: Saldo = { ...DIA, ...soma(100n, 0n, 1), versao: G + 5, atualizadoEm: '2025-10-15T12:00:00.000Z' }
  const body = saldoJson(saldo)
  const outro = saldoJson({ ...saldo, creditos: 101n })
  expect(conferirEmCache({ versao: G + 5, body }, saldo).estado).toBe('certo')
  expect(conferirEmCache({ versao: G + 6, body }, saldo).estado).toBe('errado')
  expect(conferirEmCache({ versao: G + 5, body: outro }, saldo).estado).toBe('errado')
  expect(conferirEmCache({ versao: G + 4, body: outro }, saldo).estado).toBe('atrasado')
  const antes = saldoJson({ ...saldo, atualizadoEm: '2025-10-14T12:00:00.000Z' })
  expect(conferirEmCache({ versao: G + 4, body: antes }, saldo).estado).toBe('certo')
})
