import { ackBeforeApply, always, groupAtDollar, noReclaim } from '../planted-in-a-follower.ts'
import type { PlantedBug } from '../scenario.ts'
import * as projection from './planted-in-the-projection.ts'
import * as way from './planted-on-the-way.ts'
import type { Seams } from './seams.ts'

/** By name, in the order of an entry's way. */
export const PLANTED_BUGS: Readonly<Record<string, PlantedBug<Seams>>> = {
  'positions-from-a-sequence': {
    what: 'positions come from a sequence instead of the counter row that commits with them',
    seams: way.positionsFromASequence,
  },
  'lost-reply-retried': {
    what: 'an insert without a key is sent again after its reply was lost',
    seams: way.lostReplyIsRetried,
  },
  'cursor-before-publish': {
    what: 'the relay moves its cursor before it publishes the page',
    seams: always(way.cursorBeforePublish),
  },
  'publish-past-an-error': {
    what: 'a page is published as a pipeline, which goes on after an entry that failed',
    seams: always(way.publishGoesOnAfterAnError),
  },
  'group-at-dollar': { what: 'a lost group is made anew at $ instead of 0', seams: always(groupAtDollar) },
  'trim-by-length': { what: 'the stream is trimmed by length', seams: always(way.trimByLength) },
  'ack-before-apply': {
    what: 'a batch is acknowledged before it is applied',
    seams: always(ackBeforeApply),
  },
  'no-reclaim': { what: 'nobody takes over what a dead consumer left pending', seams: always(noReclaim) },
  'consumer-removed-with-pending': {
    what: 'a consumer is removed with what it has pending',
    seams: always(way.consumerRemovedWithPending),
  },
  'dedupe-in-memory': {
    what: 'positions that were applied are remembered by the process instead of the database',
    seams: projection.dedupeInMemory,
  },
  'watermark-before-the-lock': {
    what: 'the watermark is read by the snapshot, before the wait for the lock',
    seams: always(projection.watermarkBeforeTheLock),
  },
  'outage-is-poison': {
    what: 'an outage of the database is taken for a poisoned event',
    seams: always(projection.outageIsPoison),
  },
  'poison-without-letter': {
    what: 'poison is acknowledged without a letter',
    seams: always(projection.poisonWithoutLetter),
  },
  'set-without-version': { what: 'the cache is set without comparing versions', seams: always(way.setWithoutVersion) },
  'failed-cache-write-forgotten': {
    what: 'a write to the cache that failed is not repeated',
    seams: always(projection.failedCacheWriteIsForgotten),
  },
  'acked-with-an-old-cache': {
    what: 'a delivery is acknowledged while its write to the cache has failed and waits to be repeated',
    seams: always(projection.ackedWithAnOldCache),
  },
  'duplicate-leaves-the-cache': {
    what: 'a repeated delivery does not refresh the days that it touches',
    seams: always(projection.duplicateLeavesTheCache),
  },
  'cache-trusts-any-run': {
    what: 'what a restarted Redis holds is taken for current',
    seams: always(way.cacheTrustsAnyRun),
  },
}
