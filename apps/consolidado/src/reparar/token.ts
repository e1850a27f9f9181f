import { signToken } from '@fluxo/shared/http/tokens'

/** Short, so that one that leaks is of little use; long enough that signing is nothing. */
const EXPIRES_IN_SECONDS = 600
/** Renewed this long before it expires: the clocks of two machines may differ by the 30 s that are tolerated. */
const RENEW_BEFORE_MS = 120_000

/** Tokens for the ledger's feed, signed with the shared secret and renewed in time. */
export function createTokenDeServico(secret: string, agora: () => number = Date.now): () => Promise<string> {
  let token: Promise<string> | undefined
  let validoAte = 0
  return () => {
    if (token === undefined || agora() > validoAte - RENEW_BEFORE_MS) {
      validoAte = agora() + EXPIRES_IN_SECONDS * 1_000
      token = signToken({ secret, scopes: ['eventos:ler'], expiresInSeconds: EXPIRES_IN_SECONDS })
    }
    return token
  }
}
