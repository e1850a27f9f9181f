import { describe, expect, test } from 'vitest'
import { absentOf, decideRepair, divergenceOf, type RepairSituation } from './decide-repair.ts'

const calm: RepairSituation = {
  now: 10_000,
  redisUp: true,
  aplicadaAte: 7,
  holes: [],
  stoppedSince: undefined,
  headSeenAt: 9_900,
  graceMs: 2_000,
  headEveryMs: 1_000,
}

describe('what repair does next', () => {
  test('nothing while the stream brings everything', () => {
    expect(decideRepair(calm)).toEqual({ outcome: 'nothing' })
    expect(decideRepair({ ...calm, holes: [{ from: 8, to: 9 }], stoppedSince: 8_001 })).toEqual({ outcome: 'nothing' })
  })

  test('looks at the head now and then, and first of all', () => {
    expect(decideRepair({ ...calm, headSeenAt: 9_000 })).toEqual({ outcome: 'see-head' })
    expect(decideRepair({ ...calm, headSeenAt: undefined })).toEqual({ outcome: 'see-head' })
  })

  test('pulls exactly the holes once they are older than the grace', () => {
    const holes = [
      { from: 8, to: 9 },
      { from: 12, to: 12 },
    ]
    expect(decideRepair({ ...calm, holes, stoppedSince: 8_000 })).toEqual({
      outcome: 'pull',
      motivo: 'buraco',
      ranges: [
        { after: 7, to: 9 },
        { after: 11, to: 12 },
      ],
    })
  })

  test('pulls a tail that no stream brings', () => {
    expect(decideRepair({ ...calm, stoppedSince: 8_000 })).toEqual({
      outcome: 'pull',
      motivo: 'cabeca',
      ranges: [{ after: 7, to: undefined }],
    })
  })

  test('pulls all the time while Redis is away', () => {
    expect(decideRepair({ ...calm, redisUp: false })).toMatchObject({ outcome: 'pull', motivo: 'sem-redis' })
  })
})

describe('whether the ledger is the one that was applied', () => {
  const watermark = { epoca: 'a', aplicadaAte: 5, ultimaPosicao: 6, ultimoId: 'x' }
  const evento = (posicao: number, id: string) => ({ posicao, evento: { id } })

  test('the same log with the same last event fits, also before anything was applied', () => {
    expect(
      divergenceOf(watermark, { epoca: 'a', ultima: 9, eventos: [evento(6, 'x'), evento(7, 'y')] }),
    ).toBeUndefined()
    const fresh = { epoca: null, aplicadaAte: 0, ultimaPosicao: 0, ultimoId: null }
    expect(divergenceOf(fresh, { epoca: 'b', ultima: 0, eventos: [] })).toBeUndefined()
  })

  test('another epoch, a head that went back and another event at a known position do not', () => {
    expect(divergenceOf(watermark, { epoca: 'b', ultima: 9, eventos: [] })).toBe('epoca-divergente')
    expect(divergenceOf(watermark, { epoca: 'a', ultima: 5, eventos: [] })).toBe('cabeca-regrediu')
    expect(divergenceOf(watermark, { epoca: 'a', ultima: 9, eventos: [evento(6, 'z')] })).toBe('id-divergente')
  })
})

test('positions that a page jumps over are named', () => {
  expect(absentOf(3, [4, 7, 8])).toEqual([5, 6])
  expect(absentOf(3, [])).toEqual([])
})
