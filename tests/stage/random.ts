import { hash } from 'node:crypto'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus'

/** Choices that the same seed always gives again. */
export type Random = {
  /** A number in [0, 1). */
  next(): number
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number
  chance(probability: number): boolean
  /** One of the list, which must not be empty. */
  pick<T>(list: readonly T[]): T
  shuffle<T>(list: readonly T[]): T[]
}

/** Where the four words of the generator's state stand in a digest. */
const WORDS = [0, 4, 8, 12] as const

/** The choices for one purpose of a seed: what one purpose draws does not move the others, so a shrunk history stays alike. */
export function createRandom(seed: number, purpose: string): Random {
  const digest = hash('sha256', `${seed}/${purpose}`, 'buffer')
  const generator = xoroshiro128plusFromState(WORDS.map((at) => digest.readInt32LE(at)))
  const next = (): number => uniformFloat64(generator)
  const int = (min: number, max: number): number => uniformInt(generator, min, max)
  const pick = <T>(list: readonly T[]): T => {
    if (list.length === 0) throw new Error('invariant: there is something to pick from')
    return list[int(0, list.length - 1)] as T
  }
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick,
    // Fisher and Yates: each place takes one of those that are left.
    shuffle: (list) => {
      const left = [...list]
      return list.flatMap(() => left.splice(int(0, left.length - 1), 1))
    },
  }
}
