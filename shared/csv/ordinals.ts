/** Says how many times each content was seen, itself included: 1 for the first. `undefined` when the table is full. */
type Ordinals = { next: (impressao: string) => number | undefined }

/** Slots at the beginning; a power of two, as are all later sizes. */
const INITIAL_CAPACITY = 1 << 12
/** Filled beyond this share, linear probing begins to walk. */
const LOAD_MAX = 0.75

/**
 * Different contents of one file at most: 1.5 million. At that size the table has 2^21 slots, 25 MB, and four imports at once keep
 * 100 MB. Only lines without `referencia` count.
 */
export const CONTENTS_MAX = Math.floor((1 << 21) * LOAD_MAX)

/**
 * Counts the occurrences of each content within one file.
 *
 * Open addressing over typed arrays: 64 bits of the content's fingerprint and a 32-bit count, 12 bytes a slot, 16 to 32
 * bytes per different content (a `Map` of strings takes about 150). Two contents that share 64 bits (for a
 * million lines: once in 37 million files) would count together; each still has its own full fingerprint in its key, so
 * even then nothing is taken for a repetition that is none.
 */
export function createOrdinals(contentsMax: number = CONTENTS_MAX): Ordinals {
  let high = new Uint32Array(INITIAL_CAPACITY)
  let low = new Uint32Array(INITIAL_CAPACITY)
  let times = new Uint32Array(INITIAL_CAPACITY)
  let taken = 0

  /** The slot of this content, or the free one where it belongs. */
  const slot = (a: number, b: number): number => {
    const mask = times.length - 1
    let i = b & mask
    while (times[i] !== 0 && !(high[i] === a && low[i] === b)) i = (i + 1) & mask
    return i
  }

  const double = (): void => {
    const [oldHigh, oldLow, oldTimes] = [high, low, times]
    high = new Uint32Array(oldTimes.length * 2)
    low = new Uint32Array(oldTimes.length * 2)
    times = new Uint32Array(oldTimes.length * 2)
    oldTimes.forEach((n, i) => {
      if (n > 0) put(oldHigh[i] ?? 0, oldLow[i] ?? 0, n)
    })
  }

  const put = (a: number, b: number, n: number): void => {
    const i = slot(a, b)
    high[i] = a
    low[i] = b
    times[i] = n
  }

  return {
    next: (impressao) => {
      const a = Number.parseInt(impressao.slice(0, 8), 16)
      const b = Number.parseInt(impressao.slice(8, 16), 16)
      const seen = times[slot(a, b)] ?? 0
      if (seen === 0) {
        if (taken >= contentsMax) return undefined
        taken += 1
        if (taken > times.length * LOAD_MAX) double()
      }
      put(a, b, seen + 1)
      return seen + 1
    },
  }
}
