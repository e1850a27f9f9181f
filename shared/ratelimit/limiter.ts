import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { counter, gauge, type Registry } from '../telemetry/metrics.ts'
import { withTimeout } from '../wait.ts'
import { adopt, type Bucket, fullBucket, type Rate, shareOf, takeOne, takeUnsettled, waitMs } from './bucket.ts'
import { settle } from './shared-bucket.ts'

export type LimiterDeps = {
  /** What is limited, such as `escrita`: a label, and part of the keys. */
  classe: string
  rate: Rate
  /** Instances that are expected to share the limit: each allows its part where Redis is away. */
  instances: number
  /** A connection that fails fast. */
  redis: Redis
  registry: Registry
  prefix?: string
  /** Merchants remembered at a time; each takes some 300 bytes. */
  comerciantesMax?: number
  /** A monotonic clock in milliseconds. */
  clockMs?: () => number
}

/** `waitSeconds` is 0 where the request is admitted; `left` is what remains, a whole number. */
export type Limiter = {
  readonly classe: string
  readonly rate: Rate
  take(comercianteId: string): { waitSeconds: number; left: number }
}

const PREFIX = 'fluxo:limite'
const COMERCIANTES_MAX = 20_000
/** An instance books in Redis what it spent after this part of a second's limit … */
const SETTLE_SHARE = 0.05
/** … or this many requests: at 8,000 requests a second Redis is asked 80 times, 0.3 % of the work. */
const SETTLE_MAX = 100
/** A Redis that takes longer is taken for away: nobody waits for it, but its answer should not be older than this. */
const SETTLE_TIMEOUT_MS = 50
/** After a failure, Redis is left alone for this long. */
const AWAY_MS = 1_000

/**
 * Limits the requests of each merchant, over all instances together, without ever waiting.
 *
 * Each instance decides by its own copy of the merchant's bucket, and after every `quantum` requests (5 % of a second's limit, at
 * most 100) books them in Redis in the background and takes over what is left there. So Redis is asked rarely, and never in a
 * request's way. **Bound**: an instance admits too much only while it has not heard of the others: at most one quantum and what it
 * serves during one round trip. That is booked too, as debt, so over time all instances together admit exactly the limit.
 *
 * Where Redis is away, or slower than 50 ms, each instance allows its share, 1/`instances`; nothing is refused because of Redis.
 *
 * Rejected: asking Redis for each request (a round trip of 0.2 ms and some 30 µs of CPU, as much as a cached read), and permits that
 * are fetched ahead (never too many, but a merchant's first request waits, and what one instance does not use the others lack).
 */
export function createLimiter(deps: LimiterDeps): Limiter {
  const { classe: limitClass, rate, instances, redis, prefix = PREFIX, clockMs = () => performance.now() } = deps
  const share = shareOf(rate, instances)
  const quantum = Math.min(SETTLE_MAX, Math.max(1, Math.ceil(rate.perSecond * SETTLE_SHARE)))
  const buckets = new LRUCache<string, Bucket>({ max: deps.comerciantesMax ?? COMERCIANTES_MAX })
  let awayUntilMs = 0
  const isAway = (nowMs: number): boolean => redis.status !== 'ready' || nowMs < awayUntilMs
  const metrics = createMetrics(deps, () => ({ away: isAway(clockMs()), buckets: buckets.size }))

  const tell = async (comercianteId: string, bucket: Bucket): Promise<void> => {
    bucket.settling = true
    try {
      const key = `${prefix}:{${comercianteId}}:${limitClass}`
      const booking = settle(redis, key, takeUnsettled(bucket), rate)
      adopt(bucket, await withTimeout(booking, SETTLE_TIMEOUT_MS, () => new Error('slow')), clockMs())
      metrics.settled('feito')
    } catch {
      // What was to be booked is forgotten: whether Redis has it is unknown, and the doubt is the merchant's gain.
      awayUntilMs = clockMs() + AWAY_MS
      metrics.settled('falhou')
    } finally {
      bucket.settling = false
    }
  }

  return {
    classe: limitClass,
    rate,
    take(comercianteId) {
      const nowMs = clockMs()
      let bucket = buckets.get(comercianteId)
      if (bucket === undefined) {
        bucket = fullBucket(rate, nowMs)
        buckets.set(comercianteId, bucket)
      }
      const away = isAway(nowMs)
      const now = away ? share : rate
      const admitted = takeOne(bucket, now, nowMs)
      if (!away && !bucket.settling && bucket.unsettled >= quantum) void tell(comercianteId, bucket)
      if (admitted) return { waitSeconds: 0, left: Math.floor(bucket.left) }
      metrics.refused()
      return { waitSeconds: Math.max(1, Math.ceil(waitMs(bucket, now) / 1_000)), left: 0 }
    },
  }
}

function createMetrics({ classe: limitClass, registry }: LimiterDeps, look: () => { away: boolean; buckets: number }) {
  const refusals = counter(registry, {
    name: 'fluxo_limite_recusas_total',
    help: 'Requests refused with 429.',
    labelNames: ['classe'],
  })
  refusals.inc({ classe: limitClass }, 0)
  const settlements = counter(registry, {
    name: 'fluxo_limite_acertos_total',
    help: 'Times that this instance booked in Redis what it had admitted.',
    labelNames: ['classe', 'resultado'],
  })
  for (const result of ['feito', 'falhou']) settlements.inc({ classe: limitClass, resultado: result }, 0)
  looks(registry).set(limitClass, look)
  return {
    refused: () => refusals.inc({ classe: limitClass }),
    settled: (result: 'feito' | 'falhou') => settlements.inc({ classe: limitClass, resultado: result }),
  }
}

type Look = () => { away: boolean; buckets: number }
const looksOf = new WeakMap<Registry, Map<string, Look>>()

/** The limiters of a registry, which its gauges look at; the gauges are made with the first. */
function looks(registry: Registry): Map<string, Look> {
  const known = looksOf.get(registry)
  if (known !== undefined) return known
  const made = new Map<string, Look>()
  looksOf.set(registry, made)
  gauge(registry, {
    name: 'fluxo_limite_local',
    help: '1 where this instance limits by its own share, since Redis is away.',
    labelNames: ['classe'],
    collect() {
      for (const [limitClass, look] of made) this.set({ classe: limitClass }, look().away ? 1 : 0)
    },
  })
  gauge(registry, {
    name: 'fluxo_limite_comerciantes',
    help: 'Merchants whose requests this instance counts at the moment.',
    labelNames: ['classe'],
    collect() {
      for (const [limitClass, look] of made) this.set({ classe: limitClass }, look().buckets)
    },
  })
  return made
}
