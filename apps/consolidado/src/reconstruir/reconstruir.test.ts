import type { Watermark } from '@fluxo/shared/inbox/watermark'
import { expect, test } from 'vitest'
import { isWhole, targetOf } from './reconstruir.ts'

const watermark: Watermark = {
  particao: 0,
  aplicadaAte: 7,
  holes: [],
  epoca: 'a',
  ultimaPosicao: 9,
  ultimoId: null,
  divergente: null,
}

test('a rebuild reads what was applied, and all of a log that the projection does not follow', () => {
  expect(targetOf(watermark, { epoca: 'a' })).toBe(9)
  expect(targetOf(watermark, { epoca: 'b' })).toBeUndefined()
  expect(targetOf({ ...watermark, divergente: 'id-divergente' }, { epoca: 'a' })).toBeUndefined()
  expect(targetOf(undefined, { epoca: 'a' })).toBeUndefined()
})

test('a partition with a hole is not compared, unless it was stopped', () => {
  const holed = { ...watermark, particao: 1, holes: [{ from: 8, to: 8 }] }
  expect(isWhole([watermark, { ...holed, divergente: 'id-divergente' }])).toBe(true)
  expect(isWhole([watermark, holed])).toBe(false)
})
