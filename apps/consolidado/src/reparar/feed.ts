import {
  createFeedClient,
  type FeedClient,
  type FeedClientDeps,
  isFeedTransient,
} from '@fluxo/shared/repair/feed-client'
import { createBreaker } from '@fluxo/shared/resilience/breaker'
import { createPolicy } from '@fluxo/shared/resilience/policy'
import type { Registry } from '@fluxo/shared/telemetry/metrics'

/**
 * Limits of reading the feed. A page of 5,000 events is some 2 MB and takes a fraction of a second; reading may be
 * repeated; repair and a check of the epoch may ask at once for every partition.
 */
const LIMITES = {
  deadlineMs: 15_000,
  attemptTimeoutMs: 5_000,
  bulkhead: { max: 8, queueMax: 64 },
  retry: { attemptsMax: 2, baseMs: 50, maxMs: 250 },
}
/** Opens after a burst of failures, and tries again every two seconds: repair must find a ledger that returns. */
const CIRCUITO = { volumeThreshold: 10, errorThresholdPercentage: 50, resetTimeoutMs: 2_000 }

export type Feed = FeedClient & {
  /** The epoch of the ledger now. */
  epoca(particao: number): Promise<string>
  close(): void
}

/** The ledger's feed as the consolidado reads it: bounded, retried and behind a breaker. */
export function createFeed({ registry, ...deps }: Omit<FeedClientDeps, 'policy'> & { registry: Registry }): Feed {
  const breaker = createBreaker({ name: 'eventos', ...CIRCUITO, isFailure: isFeedTransient, registry })
  const policy = createPolicy({ name: 'eventos', ...LIMITES, breaker, isTransient: isFeedTransient })
  const client = createFeedClient({ ...deps, policy })
  return {
    page: client.page,
    epoca: async (particao) => (await client.page({ particao, depoisDe: 0, limite: 1 })).epoca,
    close: () => breaker.close(),
  }
}
