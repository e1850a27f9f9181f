/** First pause after a failure; a blip is over in less. */
const BACKOFF_BASE_MS = 50
/** Longest pause: what is back is used again within five seconds. */
const BACKOFF_MAX_MS = 5_000

/**
 * Milliseconds to wait after the given number of failures in a row (1, 2, …): doubles up to the maximum.
 *
 * `random` in [0, 1) takes off up to half, so that instances that failed together do not return together.
 */
export function backoffMs(failures: number, random: number): number {
  const full = Math.min(BACKOFF_BASE_MS * 2 ** Math.min(failures - 1, 30), BACKOFF_MAX_MS)
  return Math.round(full * (1 - random / 2))
}
