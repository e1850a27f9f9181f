import { createRandom } from '../../bench/statistics.ts'

/** Choices that are the same for the same seed and number: a case can be made again alone. */
export type Random = {
  /** A whole number from 0 to below `max`. */
  below: (max: number) => number
  chance: (share: number) => boolean
  pick: <T>(list: readonly [T, ...T[]]) => T
}

/** A prime: neighbouring cases must not draw neighbouring numbers. */
const SPREAD = 2_654_435_761

export const randomOf = (seed: number, number: number): Random => {
  const next = createRandom((seed * SPREAD + number * 40_503) >>> 0)
  const below = (max: number): number => Math.floor(next() * max)
  return { below, chance: (share) => next() < share, pick: (list) => list[below(list.length)] ?? list[0] }
}
