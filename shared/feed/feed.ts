import { createBreaker } from '../resilience/breaker.ts'
import { createPolicy } from '../resilience/policy.ts'
import type { Registry } from '../telemetry/metrics.ts'
import { createFeedClient, type FeedClient, type FeedClientDeps, isFeedTransient } from './client.ts'

/**
 * Limits of reading the feed. A page of 5,000 events is some 2 MB and takes a fraction of a second; reading may be
 * repeated; repair and a check of the epoch may ask at once for every partition.
 */
const LIMITS = {
  deadlineMs: 15_000,
  attemptTimeoutMs: 5_000,
  bulkhead: { max: 8, queueMax: 64 },
  retry: { attemptsMax: 2, baseMs: 50, maxMs: 250 },
}
/** Opens after a burst of failures, and tries again every two seconds: repair must find a ledger that returns. */
const CIRCUIT = { volumeThreshold: 10, errorThresholdPercentage: 50, resetTimeoutMs: 2_000 }

export type Feed = FeedClient & { close(): void }

/**
 * A log's feed, bounded, retried and behind a breaker. `name` tells it from other feeds of the process.
 *
 * @example
 * const feed = createFeed({ baseUrl: 'http://lancamentos:3001', token, particoes: 1, name: 'eventos', registry })
 * const { eventos, ultima } = await feed.page({ particao: 0, after: 1234, limite: 1000 })
 */
export function createFeed({
  registry,
  name,
  ...deps
}: Omit<FeedClientDeps, 'policy'> & { registry: Registry; name: string }): Feed {
  const breaker = createBreaker({ name, ...CIRCUIT, isFailure: isFeedTransient, registry })
  const policy = createPolicy({ name, ...LIMITS, breaker, isTransient: isFeedTransient })
  return { ...createFeedClient({ ...deps, policy }), close: () => breaker.close() }
}
