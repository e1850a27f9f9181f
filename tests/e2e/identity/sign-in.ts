import { createHash, randomBytes } from 'node:crypto'
import { API, REDIRECT, type RunningProvider, SCOPES } from './provider.ts'

/** What a person's sign-in gives to a client. */
export type SignedIn = { access_token: string; id_token: string; refresh_token: string }

/** Login, consent and the way back, with room. */
const STEPS_MAX = 12
const ACTION = /action="([^"]+)"/
const PROMPT = /name="prompt" value="(\w+)"/

/** Signs a person in at the provider's own pages, as a browser would: code, PKCE, cookies, the two forms. */
export const signIn = async ({ issuer, ask }: RunningProvider, clientId: string): Promise<SignedIn> => {
  const verifier = randomBytes(32).toString('base64url')
  const start = new URL(`${issuer}/auth`)
  start.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: `openid offline_access ${SCOPES.join(' ')}`,
    prompt: 'consent',
    resource: API,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString()
  const code = await walk(start)
  const tokens = await ask(clientId, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT,
    code_verifier: verifier,
    resource: API,
  })
  const { access_token = '', id_token = '', refresh_token = '' } = tokens
  return { access_token, id_token, refresh_token }
}

/** Follows redirects and fills in forms until the provider sends the code back. */
const walk = async (start: URL): Promise<string> => {
  const cookies = new Map<string, string>()
  let url = start
  let form: URLSearchParams | undefined
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { method: 'POST', body: form }),
    })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const to = answer.headers.get('location')
    const text = await answer.text()
    if (to === null) {
      const [, action] = ACTION.exec(text) ?? []
      const [, prompt] = PROMPT.exec(text) ?? []
      if (action === undefined || prompt === undefined) throw new Error(`no form at ${url.pathname}: ${text}`)
      url = new URL(action, url)
      form = new URLSearchParams(prompt === 'login' ? { prompt, login: 'ana', password: 'x' } : { prompt })
      continue
    }
    url = new URL(to, url)
    form = undefined
    const code = url.href.startsWith(REDIRECT) ? url.searchParams.get('code') : null
    if (code !== null) return code
  }
  throw new Error(`the provider never came back: ${url.href}`)
}
