import { createSecretKey } from 'node:crypto'
import { SignJWT } from 'jose'

export type TokenRequest = {
  secret: string
  /** What `iss` and `aud` say, where the verifier asks for them. */
  issuer?: string | undefined
  audience?: string | undefined
  /** Service tokens name no merchant. */
  comercianteId?: string
  scopes: readonly string[]
  expiresInSeconds: number
}

/** Signs an HS256 token as `createVerifier` with the same secret accepts it. */
export function signToken(request: TokenRequest): Promise<string> {
  const { secret, issuer, audience, comercianteId, scopes, expiresInSeconds } = request
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({
    scope: scopes.join(' '),
    ...(comercianteId !== undefined && { comerciante_id: comercianteId }),
    ...(issuer !== undefined && { iss: issuer }),
    ...(audience !== undefined && { aud: audience }),
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(now)
    .setExpirationTime(now + expiresInSeconds)
    .sign(createSecretKey(Buffer.from(secret)))
}
