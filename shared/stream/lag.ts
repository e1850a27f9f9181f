import type { Redis } from 'ioredis'
import { posicaoOfId, streamKey } from './keys.ts'
import { streamInfo } from './publisher.ts'
import { flatField } from './reply.ts'

/** How far a group is behind. */
export type GroupLag = {
  /** Entries not yet delivered to the group; undefined when there is nothing to tell it from (no stream or no such group). */
  lag: number | undefined
  /** Entries delivered and not acked. */
  pending: number
  /** Milliseconds since the oldest pending entry was last delivered; 0 when nothing is pending. */
  oldestPendingMs: number
  consumers: number
  /** Entries that the stream holds. */
  length: number
}

const UNKNOWN: GroupLag = { lag: undefined, pending: 0, oldestPendingMs: 0, consumers: 0, length: 0 }

/**
 * Lag of `group` on the partition's stream.
 *
 * Redis answers null after a group was made mid-stream or entries were deleted ahead of it; then it is the distance between positions,
 * which have no gaps: from the group's last delivered to `head` (the ledger's last position) or else to the stream's end. Rejects when
 * Redis is away: callers in a metric's `collect` bound and cache it.
 */
export async function groupLag(
  redis: Redis,
  prefix: string,
  particao: number,
  group: string,
  head?: number,
): Promise<GroupLag> {
  const key = streamKey(prefix, particao)
  const info = await streamInfo(redis, key)
  if (info === undefined) return UNKNOWN
  const groups = (await redis.xinfo('GROUPS', key)) as unknown[][]
  const found = groups.find((flat) => flatField(flat, 'name') === group)
  if (found === undefined) return { ...UNKNOWN, length: Number(flatField(info, 'length')) }

  const pending = Number(flatField(found, 'pending'))
  const lag = flatField(found, 'lag')
  const end = head ?? posicaoOfId(String(flatField(info, 'last-generated-id')))
  const delivered = posicaoOfId(String(flatField(found, 'last-delivered-id')))
  return {
    lag: typeof lag === 'number' ? lag : Math.max(0, end - delivered),
    pending,
    oldestPendingMs: pending === 0 ? 0 : await oldestPendingMs(redis, key, group),
    consumers: Number(flatField(found, 'consumers')),
    length: Number(flatField(info, 'length')),
  }
}

async function oldestPendingMs(redis: Redis, key: string, group: string): Promise<number> {
  const [oldest] = (await redis.xpending(key, group, '-', '+', 1)) as [string, string, number, number][]
  return oldest === undefined ? 0 : oldest[2]
}
