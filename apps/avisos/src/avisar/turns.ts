type TurnsOptions = { totalMax: number; comercianteMax: number }

/** Turns at something of which only so much may go on at once. */
type Turns = {
  /** Waits for a turn; gives how to end it. Rejects where `signal` is aborted first. */
  take: (comercianteId: string, signal: AbortSignal) => Promise<() => void>
}

type Waiter = { comercianteId: string; call: () => void }

/** At most `totalMax` at once, and of one merchant `comercianteMax`. The next turn is the merchant's who has the fewest. */
export function createLookupTurns({ totalMax, comercianteMax }: TurnsOptions): Turns {
  const inUse = new Map<string, number>()
  const queue = new Set<Waiter>()
  let total = 0
  const useOf = ({ comercianteId }: Waiter): number => inUse.get(comercianteId) ?? 0
  const callNext = (): void => {
    while (total < totalMax) {
      const [next] = [...queue]
        .filter((waiter) => useOf(waiter) < comercianteMax)
        .toSorted((a, b) => useOf(a) - useOf(b))
      if (next === undefined) return
      queue.delete(next)
      total += 1
      inUse.set(next.comercianteId, useOf(next) + 1)
      next.call()
    }
  }
  const leave = (waiter: Waiter): void => {
    total -= 1
    const left = useOf(waiter) - 1
    if (left === 0) inUse.delete(waiter.comercianteId)
    else inUse.set(waiter.comercianteId, left)
    callNext()
  }
  return {
    take: async (comercianteId, signal) => {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const waiter = { comercianteId, call: resolve }
      const giveUp = (): void => {
        queue.delete(waiter)
        reject(signal.reason)
      }
      signal.addEventListener('abort', giveUp, { once: true })
      queue.add(waiter)
      callNext()
      try {
        await promise
      } finally {
        signal.removeEventListener('abort', giveUp)
      }
      return () => leave(waiter)
    },
  }
}
