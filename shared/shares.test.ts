import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createShares } from './shares.ts'

test('nobody has more than its share, all together never more than there is, and what is given back is there again', () => {
  const step = fc.record({ owner: fc.constantFrom('a', 'b', 'c', 'd'), n: fc.integer({ min: 1, max: 5 }) })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const shares = createShares({ max: 10, ownerMax: 6 })
      const held: { owner: string; n: number }[] = []
      const of = (owner: string) => held.filter((one) => one.owner === owner).reduce((sum, { n }) => sum + n, 0)
      const all = () => held.reduce((sum, { n }) => sum + n, 0)
      for (const one of steps) {
        const fits = of(one.owner) + one.n <= 6 && all() + one.n <= 10
        expect(shares.take(one.owner, one.n)).toBe(fits)
        if (fits) held.push(one)
        else {
          const first = held.shift()
          if (first) shares.give(first.owner, first.n)
        }
        expect(shares.taken()).toBe(all())
      }
      for (const { owner, n } of held) shares.give(owner, n)
      expect(shares.taken()).toBe(0)
      expect(shares.take('a', 6)).toBe(true)
    }),
  )
})
