type SingleFlight<T> = {
  /** Runs `work` unless the same `key` is being worked on, in which case it shares that outcome. */
  run(key: string, work: () => Promise<T>): Promise<T>
  /** Keys being worked on now. */
  size(): number
}

/**
 * Concurrent callers with one key share one execution; the next caller after it starts anew. Failures are shared, never kept.
 *
 * Only for callers content with an answer that was begun before they asked: who waits for a certain position must not join.
 */
export const createSingleFlight = <T>(): SingleFlight<T> => {
  const flights = new Map<string, Promise<T>>()
  return {
    size: () => flights.size,
    run: (key, work) => {
      const known = flights.get(key)
      if (known !== undefined) return known
      const flight = work().finally(() => flights.delete(key))
      flights.set(key, flight)
      return flight
    },
  }
}
