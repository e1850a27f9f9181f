/** How much is allowed: refilled at `perSecond`, up to `burst` at once. */
export type Rate = { readonly perSecond: number; readonly burst: number }

/** What one instance knows of a merchant's bucket. Times are of a monotonic clock, in milliseconds. */
export type Bucket = {
  /** Requests left, with fractions; below zero where several instances together spent more than there was. */
  left: number
  atMs: number
  /** Spent in this instance and not yet booked in Redis. */
  unsettled: number
  settling: boolean
}

export const fullBucket = ({ burst }: Rate, nowMs: number): Bucket => ({
  left: burst,
  atMs: nowMs,
  unsettled: 0,
  settling: false,
})

/** How long an empty bucket takes to be full. */
export const fillMs = ({ perSecond, burst }: Rate): number => (burst / perSecond) * 1_000

/** The part of one instance of `instances` that cannot ask each other: together they allow what all of them may. */
export const shareOf = ({ perSecond, burst }: Rate, instances: number): Rate => ({
  perSecond: perSecond / instances,
  burst: Math.max(1, burst / instances),
})

/** Takes one request out of `bucket`; false where there is none left. */
export function takeOne(bucket: Bucket, rate: Rate, nowMs: number): boolean {
  const passedMs = nowMs - bucket.atMs
  bucket.atMs = nowMs
  bucket.left = Math.min(rate.burst, bucket.left + (passedMs * rate.perSecond) / 1_000)
  // Spent so long ago that it has been refilled since: nothing that the others need to know.
  if (passedMs > fillMs(rate)) bucket.unsettled = 0
  if (bucket.left < 1) return false
  bucket.left -= 1
  // More than a whole bucket is never owed: what was admitted in an hour without Redis is not charged afterwards.
  bucket.unsettled = Math.min(rate.burst, bucket.unsettled + 1)
  return true
}

/** Takes what is to be booked in Redis. */
export function takeUnsettled(bucket: Bucket): number {
  const spent = bucket.unsettled
  bucket.unsettled = 0
  return spent
}

/** Takes over what the shared bucket says; what was spent here since it was asked is not in it yet. */
export function adopt(bucket: Bucket, sharedLeft: number, nowMs: number): void {
  bucket.left = sharedLeft - bucket.unsettled
  bucket.atMs = nowMs
}

/** Milliseconds until one request is left. */
export const waitMs = (bucket: Bucket, { perSecond }: Rate): number => ((1 - bucket.left) / perSecond) * 1_000
