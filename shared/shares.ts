/** A fixed number of something that all merchants use, and the share that one of them may have of it at a time. */
export type Shares = {
  /** Takes `n` for `owner`; false, and nothing is taken, where that would be more than its share or than there is. */
  take(owner: string, n?: number): boolean
  /** Gives back what was taken. */
  give(owner: string, n?: number): void
  taken(): number
}

/**
 * Counts places taken of `max`, and by which owner: `ownerMax` each at most. An owner without a place takes no memory.
 *
 * @example
 * const slots = createShares({ max: 4, ownerMax: 2 })
 * if (!slots.take('loja-1')) throw new TooManyRequests(1)
 * try { await work() } finally { slots.give('loja-1') }
 */
export function createShares({ max, ownerMax }: { max: number; ownerMax: number }): Shares {
  const owners = new Map<string, number>()
  let taken = 0
  return {
    take: (owner, n = 1) => {
      const own = (owners.get(owner) ?? 0) + n
      if (own > ownerMax || taken + n > max) return false
      owners.set(owner, own)
      taken += n
      return true
    },
    give: (owner, n = 1) => {
      const own = (owners.get(owner) ?? 0) - n
      if (own > 0) owners.set(owner, own)
      else owners.delete(owner)
      taken -= n
    },
    taken: () => taken,
  }
}
