import { ifInTime } from '../wait.ts'

/** A scrape that asks a server that is away must not hang: Prometheus itself waits 10 s for everything together. */
const LOOK_TIMEOUT_MS = 500
/** All gauges of one scrape share one look, and two Prometheus servers cost no more than one. */
const LOOK_CACHED_MS = 1_000

/**
 * Wraps a query for use at every scrape: it runs at most once a second, and is given up after half a second.
 *
 * `undefined` where the answer failed or came too late; then the gauges that need it show nothing, since an old value
 * would look like a fresh one.
 */
export function createScrapeQuery<T>(ask: () => Promise<T>): () => Promise<T | undefined> {
  let answer: Promise<T | undefined> | undefined
  let askedAt = 0
  return () => {
    const now = performance.now()
    if (answer === undefined || now - askedAt > LOOK_CACHED_MS) {
      askedAt = now
      answer = ifInTime(Promise.try(ask), LOOK_TIMEOUT_MS)
    }
    return answer
  }
}
