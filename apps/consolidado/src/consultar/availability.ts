/** Whether the database behind a cache answers, known without asking it for every request. */
type Availability = {
  /** True or false at once where that is fresh enough, else once a probe has come back. Never rejects. */
  now(): boolean | Promise<boolean>
  /** What a real request has just found out. */
  report(available: boolean): void
}

/** Knowledge older than this is renewed in the background: two probes a second at most, whatever the traffic. */
const RENEW_MS = 500
/** Older than this it is worth waiting for: after a pause of the traffic, the first answer must not be marked by guess. */
const TRUST_MS = 2_000

/**
 * Remembers what the last probe or request found.
 *
 * It has no timer: it probes where requests come, and not where none come. `probe` resolves or rejects in bounded time; `clock` is in ms.
 */
export const createAvailability = ({ probe, clock }: AvailabilityDeps): Availability => {
  let available = true
  let knownAt = Number.NEGATIVE_INFINITY
  let probing: Promise<boolean> | undefined

  const report = (valor: boolean): void => {
    available = valor
    knownAt = clock()
  }
  const askAgain = async (): Promise<boolean> => {
    const answered = await probe().then(
      () => true,
      () => false,
    )
    probing = undefined
    report(answered)
    return answered
  }
  return {
    report,
    now: () => {
      const age = clock() - knownAt
      if (age < RENEW_MS) return available
      probing ??= askAgain()
      return age < TRUST_MS ? available : probing
    },
  }
}

type AvailabilityDeps = { probe: () => Promise<unknown>; clock: () => number }
