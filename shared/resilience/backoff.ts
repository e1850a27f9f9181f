/** The pauses after failures: the first, and the longest. */
export type Pauses = { readonly firstMs: number; readonly maxMs: number }

/** A blip is over in less than the first; what is back is used again within two seconds. */
const PAUSES: Pauses = { firstMs: 50, maxMs: 2_000 }

/**
 * Milliseconds to wait after the given number of failures in a row (1, 2, …): doubles up to the maximum.
 *
 * `random` in [0, 1) takes off up to half, so that instances that failed together do not return together.
 */
export function backoffMs(failures: number, random: number, { firstMs, maxMs }: Pauses = PAUSES): number {
  const full = Math.min(firstMs * 2 ** Math.min(failures - 1, 30), maxMs)
  return Math.round(full * (1 - random / 2))
}
