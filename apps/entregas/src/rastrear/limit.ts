import type { Admission } from '@fluxo/shared/http/auth'
import { createAdmission } from '@fluxo/shared/ratelimit/admission'
import { createLimiter } from '@fluxo/shared/ratelimit/limiter'
import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'

/**
 * What is asked for one order's page and its stream: a whole family that looks at once, each with several tabs. nginx counts by
 * address beside it, for tokens that open nothing.
 */
const PAGE = { perSecond: 20, burst: 100 }
/** Each instance allows all of it where Redis is away: too much is better than a page that does not open. */
const INSTANCES = 1

/** Admits whoever holds a token of an order, counted by the order: invented tokens leave no trace. */
export const createPageLimit = ({ redis, registry }: { redis: Redis; registry: Registry }): Admission =>
  createAdmission(createLimiter({ classe: 'rastreio', rate: PAGE, instances: INSTANCES, redis, registry }))
