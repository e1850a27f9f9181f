import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import type { Registry } from 'prom-client'
import { createBreaker } from '../resilience/breaker.ts'
import { createPolicy } from '../resilience/policy.ts'

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
  /** A key id that nobody knows makes us fetch once in this time, so that invented ids cannot make us a flood. */
  cooldownMs: number
  /** A key server that takes longer is as good as away: requests wait for it. */
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

/** The key server gave no usable answer: our trouble, not the token's. */
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

type Known = { find: JWTVerifyGetKey; fetchedAt: number }

/**
 * The public keys of a key server (JWKS).
 *
 * One fetch at a time, whoever waits for it, through timeout and circuit breaker: a server that hangs holds the first requests for
 * `timeoutMs` and nobody after. Known keys serve meanwhile until `trustMs`. Rejects with `JWKSNoMatchingKey` where the key is
 * not in the set, and with `KeysUnavailable` or a `Rejection` where the set cannot be had.
 */
export function createKeyServer({ url, registry, limits }: KeyServerOptions): KeyServer {
  const { refreshMs, trustMs, cooldownMs, timeoutMs, resetTimeoutMs } = { ...LIMITS, ...limits }
  const policy = createPolicy({
    name: 'jwks',
    deadlineMs: timeoutMs,
    attemptTimeoutMs: timeoutMs,
    bulkhead: { max: 1, queueMax: 1 },
    breaker: createBreaker({ name: 'jwks', ...CIRCUIT, resetTimeoutMs, ...(registry && { registry }) }),
    isTransient: () => false,
  })
  let known: Known | undefined
  let loading: Promise<Known> | undefined

  const load = (): Promise<Known> => {
    loading ??= policy
      .execute((signal) => fetchKeys(url, signal))
      .then((find) => {
        known = { find, fetchedAt: performance.now() }
        return known
      })
      .finally(() => {
        loading = undefined
      })
    return loading
  }

  const ageMs = (): number => (known === undefined ? Number.POSITIVE_INFINITY : performance.now() - known.fetchedAt)
  const current = (): Known | Promise<Known> => {
    const age = ageMs()
    if (known === undefined || age >= trustMs) return load()
    // What fails in the background is tried again by the next request; the breaker bounds how often.
    if (age >= refreshMs) load().catch(() => undefined)
    return known
  }

  return {
    key: async (header, token) => {
      const keys = await current()
      try {
        return await keys.find(header, token)
      } catch (error) {
        const recent = performance.now() - keys.fetchedAt < cooldownMs
        if (!(error instanceof errors.JWKSNoMatchingKey) || recent) throw error
        return (await load()).find(header, token)
      }
    },
    trustMs: () => Math.max(0, trustMs - ageMs()),
  }
}

async function fetchKeys(url: string, signal: AbortSignal): Promise<JWTVerifyGetKey> {
  try {
    // Redirects are not followed: the keys come from where the operator said, or not at all.
    const answer = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } })
    if (answer.status !== 200) throw new KeysUnavailable(`the key server answered ${answer.status}`)
    const text = await readBounded(answer)
    return createLocalJWKSet(JSON.parse(text))
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
