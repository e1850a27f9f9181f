import { expect, test } from 'vitest'
import { type Saldo, saldoJson } from '../domain/saldo.ts'
import { jsonOf, lineOf, type RawWatermark, verificarCachedDay, verificarDay, verificarWatermark } from './verificar.ts'

const DAY = { comercianteId: 'loja-1', data: '2025-10-15' }
const G = 2 ** 40
const sum = (creditos: bigint, debitos: bigint, quantidade: number) => ({ creditos, debitos, quantidade })

test('a day that is the sum of its entries is right, to the cent and beyond 2^53', () => {
  const large = 9_007_199_254_740_993n
  expect(verificarDay(DAY, sum(large, 5n, 3), { ...sum(large, 5n, 3), versao: G + 2 }, 1)).toEqual([])
  const [difference] = verificarDay(DAY, sum(large, 5n, 3), { ...sum(large - 1n, 5n, 3), versao: G + 2 }, 1)
  expect(difference && lineOf(difference)).toBe(
    'saldo   loja-1 2025-10-15: the ledger says +90071992547409.93 -0.05 (3), the balance is +90071992547409.92 -0.05 (3)',
  )
  expect(difference && jsonOf(difference)).toEqual({
    tipo: 'saldo',
    ...DAY,
    razao: { creditos: '90071992547409.93', debitos: '0.05', quantidade: 3 },
    saldo: { creditos: '90071992547409.92', debitos: '0.05', quantidade: 3 },
  })
})

test('a missing row, a row without entries and an impossible version are differences', () => {
  expect(verificarDay(DAY, sum(1n, 0n, 1), undefined, 1)).toMatchObject([{ tipo: 'saldo', saldo: null }])
  expect(verificarDay(DAY, sum(0n, 0n, 0), { ...sum(0n, 0n, 0), versao: G + 1 }, 1)[0]).toMatchObject({
    tipo: 'saldo',
  })
  for (const versao of [G, G + 3, 2 * G + 1]) {
    expect(verificarDay(DAY, sum(3n, 0n, 2), { ...sum(3n, 0n, 2), versao }, 1)).toMatchObject([{ tipo: 'versao' }])
  }
})

const WATERMARK: RawWatermark = {
  particao: 0,
  aplicadaAte: 10,
  adiante: [{ from: 12, to: 14 }],
  epoca: 'a',
  ultimaPosicao: 14,
  ultimoId: 'x',
  divergente: null,
}
const LEDGER_HEAD = { epoca: 'a', ultima: 20, idAtUltima: 'x' }

test.each([
  ['as it should be', {}, {}, []],
  ['a watermark moved ahead', { aplicadaAte: 18, adiante: [] }, {}, ['inbox']],
  ['a watermark moved back', { aplicadaAte: 9, adiante: [] }, {}, ['inbox']],
  ['a run at the watermark', { adiante: [{ from: 11, to: 14 }] }, {}, ['inbox']],
  ['another epoch', {}, { epoca: 'b' }, ['epoca']],
  ['a ledger that ends before', {}, { ultima: 13, idAtUltima: undefined }, ['epoca']],
  ['another event at the last position', {}, { idAtUltima: 'y' }, ['epoca']],
  ['a projection that was stopped', { divergente: 'id-divergente' }, {}, ['epoca']],
])('an inbox with %s', (_, watermark, head, tipos) => {
  expect(
    verificarWatermark({ ...WATERMARK, ...watermark }, { ...LEDGER_HEAD, ...head }).map(({ tipo }) => tipo),
  ).toEqual(tipos)
})

test('a cached day is never newer than its row, equal where the version is, and may be older where it says the same', () => {
  const saldo: Saldo = { ...DAY, ...sum(100n, 0n, 1), versao: G + 5, atualizadoEm: '2025-10-15T12:00:00.000Z' }
  const body = saldoJson(saldo)
  const other = saldoJson({ ...saldo, creditos: 101n })
  expect(verificarCachedDay({ versao: G + 5, body }, saldo).outcome).toBe('right')
  expect(verificarCachedDay({ versao: G + 6, body }, saldo).outcome).toBe('wrong')
  expect(verificarCachedDay({ versao: G + 5, body: other }, saldo).outcome).toBe('wrong')
  expect(verificarCachedDay({ versao: G + 4, body: other }, saldo).outcome).toBe('late')
  const before = saldoJson({ ...saldo, atualizadoEm: '2025-10-14T12:00:00.000Z' })
  expect(verificarCachedDay({ versao: G + 4, body: before }, saldo).outcome).toBe('right')
})
