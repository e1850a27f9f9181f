import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import { MERCHANT_SCOPES } from '../../stage/services.ts'

/** The name of Fluxo's API at the provider, and that of another application there. */
export const API = 'https://fluxo.example/api'
export const OTHER = 'https://outra.example/api'
export const MERCHANT = 'loja-1'
export const SCOPES = [...MERCHANT_SCOPES, 'eventos:ler']

/** A client of the provider whose own name is that of the API, as a careless administrator might call it. */
export const NAMESAKE = API
export const PEOPLE = 'painel'
const MACHINE = 'erp'
const SECRET = 'segredo-de-cliente-com-mais-de-32-bytes'
export const REDIRECT = 'https://painel.example/retorno'
const TOKEN_SECONDS = 300
const KINDS = ['AccessToken', 'ClientCredentials', 'Grant', 'IdToken', 'Interaction', 'RefreshToken', 'Session']
/** Beyond the 30 s by which two clocks may differ. */
const LONG_AGO_SECONDS = 120

/** What stands in an access token in the place of what the provider writes; `exp` counts from now. */
export type Twist = { aud?: unknown; iss?: unknown; comerciante_id?: unknown; scope?: unknown; expired?: boolean }

const client = (id: string, grants: readonly string[]) => ({
  client_id: id,
  client_secret: SECRET,
  grant_types: [...grants],
  redirect_uris: grants.includes('authorization_code') ? [REDIRECT] : [],
  response_types: grants.includes('authorization_code') ? (['code'] as ['code']) : [],
})

/** A key of its own for a provider, as `jwks` wants it. */
export const providerKey = () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }
}

/** A real OpenID provider with its own front door; tokens are signed with `key`. */
export const startProvider = async (key: ReturnType<typeof providerKey>) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let twist: Twist = {}
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    clients: [
      client(MACHINE, ['client_credentials']),
      client(PEOPLE, ['authorization_code', 'refresh_token']),
      client(NAMESAKE, ['authorization_code', 'refresh_token']),
    ],
    cookies: { keys: ['teste'] },
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    // Each named, since the provider speaks up for those that are not.
    ttl: Object.fromEntries(KINDS.map((kind) => [kind, TOKEN_SECONDS])),
    conformIdTokenClaims: false,
    scopes: ['openid', 'offline_access', ...SCOPES],
    // Also in ID tokens: what they lack is not the merchant.
    claims: { openid: ['sub', 'comerciante_id'] },
    findAccount: async (_, sub) => ({
      accountId: sub,
      claims: async () => ({ sub, comerciante_id: MERCHANT, scope: SCOPES.join(' ') }),
    }),
    extraTokenClaims: async () => ({ comerciante_id: MERCHANT }),
    formats: {
      customizers: {
        jwt: (_, __, jwt) => {
          const { expired, ...claims } = twist
          const payload = jwt.payload as Record<string, unknown>
          Object.assign(payload, claims)
          if (expired) payload['exp'] = Math.floor(Date.now() / 1000) - LONG_AGO_SECONDS
        },
      },
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => [],
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_, resource) => ({
          scope: SCOPES.join(' '),
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: TOKEN_SECONDS,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  })
  server.on('request', provider.callback())

  const ask = async (id: string, form: Readonly<Record<string, string>>): Promise<Record<string, string>> => {
    const answer = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${SECRET}`)}` },
      body: new URLSearchParams(form),
    })
    const body = (await answer.json()) as Record<string, string>
    if (answer.status !== 200) throw new Error(`the provider refuses: ${JSON.stringify(body)}`)
    return body
  }
  return {
    issuer,
    jwksUrl: `${issuer}/jwks`,
    ask,
    /** An access token by client credentials; without a resource it is opaque. */
    machine: async (resource: string | undefined, changed: Twist = {}): Promise<string> => {
      twist = changed
      const form = { grant_type: 'client_credentials', ...(resource && { resource, scope: SCOPES.join(' ') }) }
      const { access_token: token = '' } = await ask(MACHINE, form)
      twist = {}
      return token
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export type RunningProvider = Awaited<ReturnType<typeof startProvider>>
