import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from 'jose'
import type { Registry } from 'prom-client'
import { createBreaker } from '../resilience/breaker.ts'

type KeyServerOptions = {
  url: string
  /** Where the circuit's state is exported, under the name `jwks`. */
  registry?: Registry | undefined
  /** Other limits, for tests. */
  limits?: Partial<KeyServerLimits>
}

export type KeyServerLimits = {
  /** Keys older than this are fetched anew in the background, while requests go on with the ones that are known. */
  refreshMs: number
  /** Keys older than this are not used any more: a withdrawn key, and every token verified with it, ends at most this long after. */
  trustMs: number
  /** A key id that nobody knows makes us fetch once in this time, so that invented ids cannot flood the key server. */
  cooldownMs: number
  /** A key server that takes longer counts as away: requests wait for it. */
  timeoutMs: number
  /** How long an open circuit turns requests away before one of them tries again. */
  resetTimeoutMs: number
}

const LIMITS: KeyServerLimits = {
  refreshMs: 300_000,
  trustMs: 600_000,
  cooldownMs: 30_000,
  timeoutMs: 2_000,
  resetTimeoutMs: 5_000,
}
/** Fetches are rare and one at a time, so two that fail say enough. */
const CIRCUIT = { volumeThreshold: 2, errorThresholdPercentage: 50 }
/** A hundred keys take some 50 kB; more is no key set. */
const BODY_CHARS_MAX = 256 * 1024

/** The key server gave no usable answer: an error of the server (503), not of the token (401). */
export class KeysUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'KeysUnavailable'
  }
}

type KeyServer = {
  /** The key for a token, as `jwtVerify` asks for it. */
  key: JWTVerifyGetKey
  /** How much longer what was just verified may be trusted without asking again. */
  trustMs(): number
}

/**
 * The public keys of a key server (JWKS), by jose's remote key set.
 *
 * One fetch at a time, whoever waits for it, through timeout and circuit breaker: a server that hangs holds the first requests for
 * `timeoutMs` and nobody after. Known keys serve meanwhile until `trustMs`. Rejects with `JWKSNoMatchingKey` where the key is
 * not in the set, and with `KeysUnavailable` or a `Rejection` where the set cannot be had.
 */
export function createKeyServer({ url, registry, limits }: KeyServerOptions): KeyServer {
  const { refreshMs, trustMs, cooldownMs, timeoutMs, resetTimeoutMs } = { ...LIMITS, ...limits }
  const breaker = createBreaker({ name: 'jwks', ...CIRCUIT, resetTimeoutMs, ...(registry && { registry }) })
  let fetchedAt = Number.NEGATIVE_INFINITY
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: timeoutMs,
    cooldownDuration: cooldownMs,
    cacheMaxAge: trustMs,
    [customFetch]: async (...request) => {
      const answer = await breaker.execute(() => fetchKeys(...request))
      fetchedAt = Date.now()
      return answer
    },
  })
  const ageMs = (): number => Date.now() - fetchedAt

  return {
    key: (header, token) => {
      // What fails in the background is tried again by the next request; the breaker bounds how often.
      if (keys.fresh && ageMs() >= refreshMs) keys.reload().catch(() => undefined)
      return keys(header, token)
    },
    trustMs: () => Math.max(0, trustMs - ageMs()),
  }
}

/** What jose takes for the key set's answer. All that is no key set is a failure here, so that the breaker counts it. */
const fetchKeys: FetchImplementation = async (url, { signal, headers }) => {
  try {
    // Redirects are not followed: the keys come from where the operator said, or not at all.
    const answer = await fetch(url, { signal, headers, redirect: 'error' })
    if (answer.status !== 200) throw new KeysUnavailable(`the key server answered ${answer.status}`)
    const keys = JSON.parse(await readBounded(answer))
    createLocalJWKSet(keys)
    return Response.json(keys)
  } catch (error) {
    if (error instanceof KeysUnavailable) throw error
    throw new KeysUnavailable('the key server gave no key set', { cause: error })
  }
}

async function readBounded(answer: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > BODY_CHARS_MAX) throw new KeysUnavailable('the key set is too large')
  }
  return text + decoder.decode()
}
