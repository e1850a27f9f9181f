const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** How long each attempt waits after the one before: 35 hours altogether, so that a receiver may be broken for a night and a day. */
export const WAITS_MS: readonly number[] = [0, 30 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 8 * HOUR, 24 * HOUR]
/** Up to this share longer: deliveries that failed together do not come back together. */
const JITTER = 0.2

/** As long as all of them together a delivery may be given back untried; then it is given up, too. */
export const TERM_MS = WAITS_MS.reduce((sum, wait) => sum + wait, 0)

/** Attempts of one delivery before it is given up. */
export const ATTEMPTS_MAX = WAITS_MS.length

/**
 * When the next attempt is due, in ms after the one that failed; `undefined` where it was the last.
 *
 * `attempts` counts the attempts so far, `random` is in [0, 1); `waits` has the wait before each attempt.
 */
export function attemptWaitMs(attempts: number, random: number, waits = WAITS_MS): number | undefined {
  const wait = waits[attempts]
  return wait === undefined ? undefined : Math.round(wait * (1 + JITTER * random))
}
