import type { Redis } from 'ioredis'
import { TooManyRequests } from '../errors.ts'
import type { Admission } from '../http/auth.ts'
import { nodeOf } from '../http/env.ts'
import { TracedResponse } from '../http/traced-response.ts'
import type { Registry } from '../telemetry/metrics.ts'
import { fillMs } from './bucket.ts'
import { createLimiter, type Limiter } from './limiter.ts'
import { burstOf, type LimitsEnv } from './settings.ts'

/** What a merchant's routes are admitted by, by class; nothing where the limit is off. */
export type Limits = { readonly escrita?: Admission; readonly leitura?: Admission }

/**
 * Makes the limits that the environment asks for. All services of one Redis share each merchant's allowance of a class.
 *
 * @example
 * const limits = createLimits({ env, redis: redis.cache, registry })
 * const mayRead = requireScope(verifier, 'lancamentos:ler', { admission: limits.leitura })
 */
export function createLimits({ env, redis, registry }: { env: LimitsEnv; redis: Redis; registry: Registry }): Limits {
  const instances = env.LIMITE_INSTANCIAS
  const admission = (limitClass: keyof Limits, perSecond: number, given: number | undefined): Limits => {
    if (perSecond === 0) return {}
    const rate = { perSecond, burst: burstOf(perSecond, given) }
    return { [limitClass]: createAdmission(createLimiter({ classe: limitClass, rate, instances, redis, registry })) }
  }
  return {
    ...admission('escrita', env.LIMITE_ESCRITA_POR_SEGUNDO, env.LIMITE_ESCRITA_RAJADA),
    ...admission('leitura', env.LIMITE_LEITURA_POR_SEGUNDO, env.LIMITE_LEITURA_RAJADA),
  }
}

/**
 * Admits a request of a merchant, or throws `TooManyRequests` (429 with `Retry-After`).
 *
 * Every answer tells where the merchant stands, in the fields of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy` with
 * the quota `q` and the seconds `w` in which it is refilled, and `RateLimit` with the requests `r` that remain and the seconds `t`
 * until all of the quota does. A request counts once, whatever it holds: an import and a batch are what a merchant with much to send
 * should use, and have limits of their own.
 */
export function createAdmission({ classe: limitClass, rate, take }: Limiter): Admission {
  const policy = `"${limitClass}";q=${rate.burst};w=${Math.max(1, Math.round(fillMs(rate) / 1_000))}`
  return (c, comercianteId) => {
    const { left, waitSeconds } = take(comercianteId)
    const outgoing = nodeOf(c)?.outgoing
    if (outgoing instanceof TracedResponse) {
      outgoing.rateLimitPolicy = policy
      outgoing.rateLimit = `"${limitClass}";r=${left};t=${Math.ceil((rate.burst - left) / rate.perSecond)}`
    }
    if (waitSeconds > 0) throw new TooManyRequests(waitSeconds)
  }
}
