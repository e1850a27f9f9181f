import type { Redis } from 'ioredis'
import { runScript, script } from '../redis/script.ts'
import type { Rate } from './bucket.ts'

/**
 * A bucket as one number (GCRA): the microsecond at which it is full again, by Redis' own clock. What was spent moves it on, and
 * the key expires exactly then, so a bucket that nobody uses takes no room.
 *
 * What was spent is always booked, also where that leaves less than nothing: it has happened. The debt is paid by waiting, and is at
 * most one more bucket, so that nobody waits for longer than two buckets take to fill.
 */
const SETTLE = script(`
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local each = 1000000 / tonumber(ARGV[2])
local burst = tonumber(ARGV[3]) * each
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
full = math.min(full + tonumber(ARGV[1]) * each, now + 2 * burst)
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return string.format('%.3f', (burst - (full - now)) / each)
`)

/** Books `spent` requests on the shared bucket `key`; gives how many are left, with fractions, below zero where too many were spent. */
export async function settle(redis: Redis, key: string, spent: number, { perSecond, burst }: Rate): Promise<number> {
  return Number(await runScript(redis, SETTLE, [key], [spent, perSecond, burst]))
}
