import { signToken, type TokenRequest } from './tokens.ts'

type Signing = Pick<TokenRequest, 'secret' | 'issuer' | 'audience'>

/** Short, so that one that leaks is of little use; long enough that signing is nothing. */
const EXPIRES_IN_SECONDS = 600
/** Renewed this long before it expires: the clocks of two machines may differ by the 30 s that are tolerated. */
const RENEW_BEFORE_MS = 120_000

/** Tokens for the feed of a log, signed with the shared secret and renewed in time. */
export function createTokenDeServico(signing: Signing, agora: () => number = Date.now): () => Promise<string> {
  let token: Promise<string> | undefined
  let validoAte = 0
  return () => {
    if (token === undefined || agora() > validoAte - RENEW_BEFORE_MS) {
      validoAte = agora() + EXPIRES_IN_SECONDS * 1_000
      token = signToken({ ...signing, scopes: ['eventos:ler'], expiresInSeconds: EXPIRES_IN_SECONDS })
    }
    return token
  }
}

/** The token given, or tokens made with the secret. Throws where there is neither. */
export function tokenDeServicoDe(
  given: Omit<Signing, 'secret'> & { token: string | undefined; secret: string | undefined },
): () => string | Promise<string> {
  const { token, secret, issuer, audience } = given
  if (token !== undefined) return () => token
  if (secret !== undefined) return createTokenDeServico({ secret, issuer, audience })
  throw new Error('EVENTOS_TOKEN or JWT_SECRET is needed to read the events of another service')
}
