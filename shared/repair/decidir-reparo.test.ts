import { describe, expect, test } from 'vitest'
import { ausentesDe, decidirReparo, divergenciaDe, type Situacao } from './decidir-reparo.ts'

const calma: Situacao = {
  agora: 10_000,
  redisUp: true,
  aplicadaAte: 7,
  buracos: [],
  paradaDesde: undefined,
  cabecaVistaEm: 9_900,
  graceMs: 2_000,
  headEveryMs: 1_000,
}

describe('what repair does next', () => {
  test('nothing while the stream brings everything', () => {
    expect(decidirReparo(calma)).toEqual({ acao: 'nada' })
    expect(decidirReparo({ ...calma, buracos: [{ de: 8, ate: 9 }], paradaDesde: 8_001 })).toEqual({ acao: 'nada' })
  })

  test('looks at the head now and then, and first of all', () => {
    expect(decidirReparo({ ...calma, cabecaVistaEm: 9_000 })).toEqual({ acao: 'ver-cabeca' })
    expect(decidirReparo({ ...calma, cabecaVistaEm: undefined })).toEqual({ acao: 'ver-cabeca' })
  })

  test('pulls exactly the holes once they are older than the grace', () => {
    const buracos = [
      { de: 8, ate: 9 },
      { de: 12, ate: 12 },
    ]
    expect(decidirReparo({ ...calma, buracos, paradaDesde: 8_000 })).toEqual({
      acao: 'puxar',
      motivo: 'buraco',
      faixas: [
        { depoisDe: 7, ate: 9 },
        { depoisDe: 11, ate: 12 },
      ],
    })
  })

  test('pulls a tail that no stream brings', () => {
    expect(decidirReparo({ ...calma, paradaDesde: 8_000 })).toEqual({
      acao: 'puxar',
      motivo: 'cabeca',
      faixas: [{ depoisDe: 7, ate: undefined }],
    })
  })

  test('pulls all the time while Redis is away', () => {
    expect(decidirReparo({ ...calma, redisUp: false })).toMatchObject({ acao: 'puxar', motivo: 'sem-redis' })
  })
})

describe('whether the ledger is the one that was applied', () => {
  const marca = { epoca: 'a', aplicadaAte: 5, ultimaPosicao: 6, ultimoId: 'x' }
  const evento = (posicao: number, id: string) => ({ posicao, evento: { id } })

  test('the same log with the same last event fits, also before anything was applied', () => {
    expect(divergenciaDe(marca, { epoca: 'a', ultima: 9, eventos: [evento(6, 'x'), evento(7, 'y')] })).toBeUndefined()
    const virgem = { epoca: null, aplicadaAte: 0, ultimaPosicao: 0, ultimoId: null }
    expect(divergenciaDe(virgem, { epoca: 'b', ultima: 0, eventos: [] })).toBeUndefined()
  })

  test('another epoch, a head that went back and another event at a known position do not', () => {
    expect(divergenciaDe(marca, { epoca: 'b', ultima: 9, eventos: [] })).toBe('epoca-divergente')
    expect(divergenciaDe(marca, { epoca: 'a', ultima: 5, eventos: [] })).toBe('cabeca-regrediu')
    expect(divergenciaDe(marca, { epoca: 'a', ultima: 9, eventos: [evento(6, 'z')] })).toBe('id-divergente')
  })
})

test('positions that a page jumps over are named', () => {
  expect(ausentesDe(3, [4, 7, 8])).toEqual([5, 6])
  expect(ausentesDe(3, [])).toEqual([])
})
