import { signToken, type TokenRequest } from '../http/tokens.ts'

type Signing = Pick<TokenRequest, 'secret' | 'issuer' | 'audience'>

/** Short, so that one that leaks is of little use; long enough that signing costs nothing that counts. */
const EXPIRES_IN_SECONDS = 600
/** Renewed this long before it expires: the clocks of two machines may differ by the 30 s that are tolerated. */
const RENEW_BEFORE_MS = 120_000

/** Tokens for the feed of a log, signed with the shared secret and renewed in time. */
export function createServiceToken(signing: Signing, now: () => number = Date.now): () => Promise<string> {
  let token: Promise<string> | undefined
  let validUntil = 0
  return () => {
    if (token === undefined || now() > validUntil - RENEW_BEFORE_MS) {
      validUntil = now() + EXPIRES_IN_SECONDS * 1_000
      token = signToken({ ...signing, scopes: ['eventos:ler'], expiresInSeconds: EXPIRES_IN_SECONDS })
    }
    return token
  }
}

/** The token given, or tokens made with the secret. Throws where there is neither. */
export function serviceTokenOf(
  given: Omit<Signing, 'secret'> & { token: string | undefined; secret: string | undefined },
): () => string | Promise<string> {
  const { token, secret, issuer, audience } = given
  if (token !== undefined) return () => token
  if (secret !== undefined) return createServiceToken({ secret, issuer, audience })
  throw new Error('EVENTOS_TOKEN or JWT_SECRET is needed to read the events of another service')
}
