import { expect, test } from 'vitest'
import { createRandom } from './random.ts'

const draws = (seed: number, purpose: string): number[] => {
  const random = createRandom(seed, purpose)
  return Array.from({ length: 50 }, random.next)
}

test('a seed and a purpose always draw the same, and no other seed or purpose does', () => {
  expect(draws(1, 'plan')).toEqual(draws(1, 'plan'))
  expect(draws(1, 'plan')).not.toEqual(draws(2, 'plan'))
  expect(draws(1, 'plan')).not.toEqual(draws(1, 'clients'))
})

test('the first number of neighbouring seeds lies anywhere', () => {
  const tenths = Array.from({ length: 1_000 }, (_, seed) => Math.floor(10 * createRandom(seed, 'plan').next()))
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const share = tenths.filter((one) => one === tenth).length
    expect(share).toBeGreaterThan(60)
    expect(share).toBeLessThan(140)
  }
})

test('whole numbers reach both ends, and each element is picked', () => {
  const random = createRandom(7, 'test')
  const numbers = Array.from({ length: 500 }, () => random.int(3, 6))
  expect(new Set(numbers)).toEqual(new Set([3, 4, 5, 6]))
  expect(new Set(numbers.map(() => random.pick(['a', 'b', 'c'])))).toEqual(new Set(['a', 'b', 'c']))
  expect(() => random.pick([])).toThrow('invariant')
})

test('a shuffled list has the same elements, in every order', () => {
  const random = createRandom(7, 'test')
  const orders = Array.from({ length: 300 }, () => random.shuffle([1, 2, 3]).join())
  expect(new Set(orders)).toEqual(new Set(['1,2,3', '1,3,2', '2,1,3', '2,3,1', '3,1,2', '3,2,1']))
})
