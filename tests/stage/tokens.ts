import { signToken } from '@fluxo/shared/http/tokens'
import { MERCHANT_SCOPES } from './services.ts'

/** The secret of the services that run in a test's own process. */
export const SECRET = 'segredo-de-teste-com-mais-de-32-bytes'

const TOKEN_SECONDS = 3_600

/** `Authorization` of a merchant: with every scope that one may have, where none is named. */
export const merchantBearer = async (
  comercianteId: string,
  { secret = SECRET, scopes = MERCHANT_SCOPES }: { secret?: string; scopes?: readonly string[] | undefined } = {},
): Promise<string> => `Bearer ${await signToken({ secret, comercianteId, scopes, expiresInSeconds: TOKEN_SECONDS })}`

/** The same of a service that reads logs. */
export const serviceBearer = async (secret?: string): Promise<string> => `Bearer ${await serviceToken(secret)}`

export const serviceToken = (secret = SECRET): Promise<string> =>
  signToken({ secret, scopes: ['eventos:ler'], expiresInSeconds: TOKEN_SECONDS })
