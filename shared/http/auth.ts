import { createSecretKey, hash } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Registry } from 'prom-client'
import { DomainError, Unavailable } from '../errors.ts'
import { COMERCIANTE_ID } from '../id.ts'
import { isRejection } from '../resilience/rejection.ts'
import { type AppEnv, headerOf } from './env.ts'
import { createKeyServer, type KeyServerLimits, KeysUnavailable } from './jwks.ts'
import type { Scope } from './scopes.ts'

/** Who is asking, as the verified token says. `exp` is in seconds since 1970. */
type Identity = {
  readonly comercianteId: string | undefined
  readonly scopes: ReadonlySet<string>
  readonly exp: number
}

export type Verifier = {
  /** Gives the identity, at once where this token was verified before. Throws or rejects with a `DomainError` (401). */
  verify(token: string): Promise<Identity> | Identity
}

export type VerifierOptions = {
  secret?: string | undefined
  jwksUrl?: string | undefined
  /** What `iss` of every token must be, and what its `aud` must be or contain. Both are needed with `jwksUrl`. */
  issuer?: string | undefined
  audience?: string | undefined
  clockToleranceSeconds?: number
  /** Where the key server's circuit is exported. */
  registry?: Registry
  /** Other limits for the key server, in tests. */
  jwksLimits?: Partial<KeyServerLimits>
}

/** HMAC-SHA-256 keys shorter than the hash weaken it (RFC 7518 section 3.2). */
const SECRET_BYTES_MIN = 32
/** Longer than any token of ours, shorter than Node's header limit: hashing one stays cheap. */
const TOKEN_CHARS_MAX = 8 * 1024
/** Verified tokens remembered by their hash; each takes some 300 bytes. */
const KNOWN_MAX = 10_000
/** Tokens remembered by their text as well, for the merchants of this moment: looking one up costs 0.2 µs, hashing it 2. */
const RECENT_MAX = 256
/** The client's library may try again after this; the circuit breaker knows better where it is open. */
const RETRY_AFTER_SECONDS = 5
const HMAC = ['HS256']
const ASYMMETRIC = ['RS256', 'ES256', 'EdDSA', 'Ed25519']

/** What `typ` may say of a token that opens something here, in lower case (RFC 7519 section 5.1, RFC 9068 section 2.1). */
const TYPES = new Set<unknown>([undefined, 'jwt', 'application/jwt', 'at+jwt', 'application/at+jwt'])

type Known = { identity: Identity; untilMs: number }
type Checked = { payload: JWTPayload; trustMs: number }

/**
 * Makes the verifier of bearer tokens (docs/api.md, "Who calls").
 *
 * Each kind of key has its own pinned algorithms: HS256 is checked with `secret` only and never with a key from `jwksUrl`, so a
 * public key cannot pose as an HMAC secret, and `none` matches nothing. A key server signs for other applications of its owner
 * too: only `iss` and `aud` tell their tokens from ours, so it is not trusted without them. Verifying costs some 60 µs; a token that was verified
 * before is known by its SHA-256 until it expires. Throws at start where neither key source is given, the secret is short, or a key
 * server comes without issuer and audience.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { clockToleranceSeconds = 30 } = options
  const check = createCheck(options, clockToleranceSeconds)
  const known = new LRUCache<string, Known>({ max: KNOWN_MAX })
  const recent = new LRUCache<string, Known>({ max: RECENT_MAX })

  const verifyNew = async (token: string, key: string): Promise<Identity> => {
    const { payload, trustMs } = await check(token)
    const identity = identityOf(payload)
    const untilMs = Math.min((identity.exp + clockToleranceSeconds) * 1000, Date.now() + trustMs)
    known.set(key, { identity, untilMs })
    return identity
  }

  return {
    verify(token) {
      if (token.length > TOKEN_CHARS_MAX) throw invalidToken()
      const now = Date.now()
      const seen = recent.get(token)
      if (seen !== undefined && seen.untilMs > now) return seen.identity
      const key = hash('sha256', token, 'base64url')
      const hit = known.get(key)
      if (hit === undefined || hit.untilMs <= now) return verifyNew(token, key)
      recent.set(token, hit)
      return hit.identity
    },
  }
}

function createCheck(options: VerifierOptions, clockTolerance: number) {
  const { secret, jwksUrl, issuer, audience, registry, jwksLimits } = options
  if (secret === undefined && jwksUrl === undefined) {
    throw new Error('no way to verify tokens: give JWT_SECRET or JWT_JWKS_URL')
  }
  if (secret !== undefined && Buffer.byteLength(secret) < SECRET_BYTES_MIN) {
    throw new Error(`JWT_SECRET must have at least ${SECRET_BYTES_MIN} bytes`)
  }
  if (jwksUrl !== undefined && (issuer === undefined || audience === undefined)) {
    throw new Error('JWT_JWKS_URL needs JWT_ISSUER and JWT_AUDIENCE: its keys sign tokens for other applications too')
  }
  const shared = secret === undefined ? undefined : createSecretKey(Buffer.from(secret))
  const remote =
    jwksUrl === undefined ? undefined : createKeyServer({ url: jwksUrl, registry, limits: jwksLimits ?? {} })
  const claims = {
    clockTolerance,
    requiredClaims: ['exp'],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  }

  return async (token: string): Promise<Checked> => {
    try {
      const { alg, typ } = decodeProtectedHeader(token)
      // A token that says it is for something else (an ID token at a logout, a proof of possession) opens nothing here.
      if (!TYPES.has(typ?.toLowerCase())) throw invalidToken()
      if (shared !== undefined && alg === 'HS256') {
        const { payload } = await jwtVerify(token, shared, { ...claims, algorithms: HMAC })
        return { payload, trustMs: Number.POSITIVE_INFINITY }
      }
      if (remote === undefined) throw invalidToken()
      const { payload } = await jwtVerify(token, remote.key, { ...claims, algorithms: ASYMMETRIC })
      return { payload, trustMs: remote.trustMs() }
    } catch (error) {
      throw refusalOf(error)
    }
  }
}

/** Only the key server's failures are ours (503); whatever is wrong with the token is the client's (401). */
function refusalOf(error: unknown): Error {
  if (error instanceof DomainError) return error
  if (error instanceof errors.JWTExpired) return new DomainError('token-expirado', 'O token expirou.')
  if (error instanceof errors.JWTClaimValidationFailed && (error.claim === 'iss' || error.claim === 'aud')) {
    return new DomainError('token-invalido', 'O token é de outro emissor ou para outra aplicação.')
  }
  const ours = error instanceof KeysUnavailable || error instanceof errors.JWKSInvalid || isRejection(error)
  if (!ours) return invalidToken()
  const seconds = isRejection(error, 'circuit-open') ? error.retryAfterSeconds : RETRY_AFTER_SECONDS
  return new Unavailable('chaves-indisponiveis', 'As chaves de verificação estão indisponíveis.', seconds, {
    cause: error,
  })
}

const invalidToken = () => new DomainError('token-invalido', 'O token não é válido.')

function identityOf({ exp, comerciante_id: comercianteId, scope }: JWTPayload): Identity {
  // `1e999` is a JSON number too, and infinite: a token that never expires.
  if (!Number.isFinite(exp) || exp === undefined) throw invalidToken()
  if (scope !== undefined && typeof scope !== 'string') throw invalidToken()
  if (comercianteId !== undefined && (typeof comercianteId !== 'string' || !COMERCIANTE_ID.test(comercianteId))) {
    throw new DomainError('token-invalido', 'O comerciante_id do token não é válido.')
  }
  const scopes = new Set((scope ?? '').split(' ').filter((word) => word !== ''))
  return { comercianteId, scopes, exp }
}

/** Admits one more request of a merchant, or throws a refusal; `shared/ratelimit` makes one. */
export type Admission = (c: Context<AppEnv>, comercianteId: string) => void

type ScopeOptions = {
  /** Lets through, too. What it may not do, the handler refuses by `scopes`. */
  orScope?: Scope | undefined
  comerciante?: boolean | undefined
  admission?: Admission | undefined
}

/** The scheme is compared without case (RFC 9110); what follows is checked by jose where it is not known yet. */
const BEARER = /^bearer +/i

function tokenOf(authorization: string | undefined): string {
  if (authorization === undefined) {
    throw new DomainError('token-ausente', 'Envie um token no cabeçalho Authorization: Bearer.')
  }
  if (authorization.startsWith('Bearer ')) return authorization.slice('Bearer '.length)
  const scheme = BEARER.exec(authorization)
  if (scheme === null) throw invalidToken()
  return authorization.slice(scheme[0].length)
}

/**
 * Lets a request through whose token has `scope`, or the other one that will do, and tells the handler whose it is (`comercianteId`, `scopes`).
 *
 * 401 without a valid token, 403 `escopo-ausente` without the scope. Service routes pass `comerciante: false`: their tokens need
 * not name a merchant. `admission` is asked for each request of a merchant that got so far.
 *
 * @example
 * routes.get('/consolidado/:data', requireScope(verifier, 'consolidado:ler'), (c) => answer(c.get('comercianteId')))
 */
export function requireScope(
  verifier: Verifier,
  scope: Scope,
  { orScope, comerciante = true, admission }: ScopeOptions = {},
): MiddlewareHandler<AppEnv> {
  const admit = (c: Context<AppEnv>, { comercianteId, scopes }: Identity): void => {
    if (!scopes.has(scope) && !(orScope !== undefined && scopes.has(orScope))) {
      throw new DomainError('escopo-ausente', `O token não tem o escopo ${scope}.`, { escopo: scope })
    }
    if (comercianteId !== undefined) c.set('comercianteId', comercianteId)
    else if (comerciante) throw new DomainError('token-invalido', 'O token não identifica um comerciante.')
    c.set('scopes', scopes)
    if (comercianteId !== undefined) admission?.(c, comercianteId)
  }
  // Not an async function: on a cache hit nothing is awaited, and one promise less per request is measurable.
  return function requireScopeOf(c, next) {
    const identity = verifier.verify(tokenOf(headerOf(c, 'authorization')))
    if (identity instanceof Promise) {
      return identity.then((known) => {
        admit(c, known)
        return next()
      })
    }
    admit(c, identity)
    return next()
  }
}
