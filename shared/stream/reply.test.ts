import { expect, test } from 'vitest'
import { deadLetterKey, idOfPosicao, posicaoOfId, streamKey } from './keys.ts'
import { batchOfRead, claimOf, deliveriesOf, flatField, lastEntryOf } from './reply.ts'

test('keys of one partition share a slot, and ids carry the position', () => {
  expect(streamKey('fluxo:lancamentos', 3)).toBe('fluxo:lancamentos:{3}')
  expect(deadLetterKey('fluxo:lancamentos', 3)).toBe('fluxo:lancamentos:dlq:{3}')
  expect(posicaoOfId(idOfPosicao(9_007_199_254_740_991))).toBe(9_007_199_254_740_991)
  expect(posicaoOfId('12')).toBe(12)
})

test('a read that ran into its BLOCK is an empty batch', () => {
  expect(batchOfRead(null)).toEqual({ entries: [], ids: [], gaps: [] })
  expect(batchOfRead([['s', []]])).toEqual({ entries: [], ids: [], gaps: [] })
})

test('own entries that were deleted come without fields: they are gaps, and their ids are acked', () => {
  const reply = [
    [
      's',
      [
        ['1-0', ['e', 'um']],
        ['2-0', null],
        ['3-0', ['x', 'y', 'e', 'três']],
        ['4-0', []],
      ],
    ],
  ]
  expect(batchOfRead(reply)).toEqual({
    entries: [
      { posicao: 1, body: 'um' },
      { posicao: 3, body: 'três' },
      { posicao: 4, body: '' },
    ],
    ids: ['1-0', '2-0', '3-0', '4-0'],
    gaps: [2],
  })
})

test('a claim names what it took, where to go on and what was deleted; before 7.0 nobody says what was deleted', () => {
  const batch = { entries: [{ posicao: 5, body: 'a' }], ids: ['5-0'], gaps: [] }
  const list = [['5-0', ['e', 'a']], null]
  expect(claimOf(['9-0', list, ['3-0', '4-0']])).toEqual({ batch, cursor: '9-0', deleted: [3, 4] })
  expect(claimOf(['0-0', list])).toEqual({ batch, cursor: '0-0', deleted: [] })
})

test('fields of flat replies, the last entry and deliveries are found by name', () => {
  expect(flatField(['a', 1, 'b', null], 'b')).toBeNull()
  expect(flatField(['a', 'b'], 'b')).toBeUndefined()
  expect(lastEntryOf(['last-entry', ['7-0', ['e', 'x']]])).toEqual({ id: '7-0', body: 'x' })
  expect(lastEntryOf(['last-entry', null])).toBeUndefined()
  expect(deliveriesOf([['1-0', 'a', 10, 3]])).toEqual(new Map([['1-0', 3]]))
})
