/** A stream of chance that the same seed always gives again. */
export type Random = {
  /** A number in [0, 1). */
  next(): number
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly [T, ...T[]]): T
}

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** A 32-bit number that stands for a text (FNV-1a). */
export function hash32(text: string, from = FNV_OFFSET): number {
  let hash = from
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME)
  return hash >>> 0
}

/** Chance for one purpose (`stream`) of one seed: what one purpose draws does not move the others, so a shrunk history stays alike. */
export function createRandom(seed: number, stream: string): Random {
  let state = hash32(`${seed}/${stream}`)
  // mulberry32: 32 bits of state are ample for one history.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1))
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: ([first, ...others]) => {
      const at = int(0, others.length)
      return at === 0 ? first : (others[at - 1] ?? first)
    },
  }
}
