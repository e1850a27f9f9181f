import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OpenAPIHono } from '@hono/zod-openapi'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLogger } from '../telemetry/logger.ts'
import { createVerifier, requireScope, type Verifier } from './auth.ts'
import type { AppEnv } from './env.ts'
import { jsonText } from './json.ts'
import { createProblemResponse } from './problem.ts'
import { signToken } from './tokens.ts'

const secret = 'segredo-de-teste-com-32-bytes-ou-mais'
const verifier = createVerifier({ secret })
const INVALID = 'Bearer realm="fluxo", error="invalid_token"'
const problem = createProblemResponse({ log: createLogger({ service: 'teste', stream: { write: () => undefined } }) })

function appWith(used: Verifier) {
  const app = new OpenAPIHono<AppEnv>()
  app.onError((error, c) => problem(c, error))
  app.get('/meu', requireScope(used, 'consolidado:ler'), (c) => jsonText(JSON.stringify(c.get('comercianteId'))))
  app.get('/eventos', requireScope(used, 'eventos:ler', { comerciante: false }), (c) =>
    jsonText(JSON.stringify([...c.get('scopes')])),
  )
  return app
}
const ask = (path: string, authorization?: string, used = verifier) =>
  appWith(used).request(path, authorization === undefined ? {} : { headers: { Authorization: authorization } })

const base = { secret, comercianteId: 'loja-1', scopes: ['consolidado:ler'], expiresInSeconds: 60 }
const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const claims = () => ({ comerciante_id: 'loja-1', scope: 'consolidado:ler', exp: Math.floor(Date.now() / 1000) + 60 })
const signed = (input: string, key: string | Buffer) =>
  `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
const handMade = (header: object, payload: object, key: string | Buffer) =>
  signed(`${segment(header)}.${segment(payload)}`, key)
const signedText = (payload: string) =>
  signed(`${segment({ alg: 'HS256' })}.${Buffer.from(payload).toString('base64url')}`, secret)

test('a signed token opens what its scope names, and says whose it is', async () => {
  const token = await signToken(base)
  const answer = await ask('/meu', `Bearer ${token}`)
  expect([answer.status, await answer.json()]).toEqual([200, 'loja-1'])
  expect((await ask('/meu', `bEaReR  ${token}`)).status).toBe(200)
})

test('a verified token is answered at once the next time', async () => {
  const token = await signToken(base)
  const first = await verifier.verify(token)
  expect(verifier.verify(token)).toBe(first)
  expect(verifier.verify(token)).toBe(first)
})

test('a remembered token ends when it expires', async () => {
  const strict = createVerifier({ secret, clockToleranceSeconds: 0 })
  const token = await signToken({ ...base, expiresInSeconds: 1 })
  await strict.verify(token)
  await expect
    .poll(async () => Promise.try(() => strict.verify(token)).catch(({ codigo }) => codigo), { timeout: 5000 })
    .toBe('token-expirado')
})

test('without a token the challenge has no error, with a broken one it has', async () => {
  const none = await ask('/meu')
  expect([none.status, none.headers.get('WWW-Authenticate')]).toEqual([401, 'Bearer realm="fluxo"'])
  expect(none.headers.get('Content-Type')).toBe('application/problem+json')
  const broken = await ask('/meu', 'Bearer x.y.z')
  expect(broken.headers.get('WWW-Authenticate')).toBe(INVALID)
})

test('a token without the scope gets 403 and the name of the scope', async () => {
  const answer = await ask('/eventos', `Bearer ${await signToken(base)}`)
  expect(answer.status).toBe(403)
  expect(await answer.json()).toMatchObject({ codigo: 'escopo-ausente', escopo: 'eventos:ler' })
  expect(answer.headers.get('WWW-Authenticate')).toContain('error="insufficient_scope"')
})

test('a service token needs no merchant where the route says so, and only there', async () => {
  const { comercianteId: _, ...service } = { ...base, scopes: ['eventos:ler', 'consolidado:ler'] }
  const token = await signToken(service)
  expect((await ask('/eventos', `Bearer ${token}`)).status).toBe(200)
  expect((await ask('/meu', `Bearer ${token}`)).status).toBe(401)
})

const refused: readonly [string, () => string | Promise<string>][] = [
  ['of another secret', () => signToken({ ...base, secret: 'x'.repeat(32) })],
  ['that expired', () => signToken({ ...base, expiresInSeconds: -31 })],
  ['without exp', () => handMade({ alg: 'HS256' }, { ...claims(), exp: undefined }, secret)],
  ['that never expires', () => signedText('{"exp":1e999,"comerciante_id":"loja-1","scope":"consolidado:ler"}')],
  ['whose exp is text', () => handMade({ alg: 'HS256' }, { ...claims(), exp: `${claims().exp}` }, secret)],
  ['that is not valid yet', () => handMade({ alg: 'HS256' }, { ...claims(), nbf: claims().exp - 1 }, secret)],
  ['whose nbf is text', () => handMade({ alg: 'HS256' }, { ...claims(), nbf: '0' }, secret)],
  ['of another type', () => handMade({ alg: 'HS256', typ: 'logout+jwt' }, claims(), secret)],
  ['whose type is a number', () => handMade({ alg: 'HS256', typ: 7 }, claims(), secret)],
  ['whose claims are a list', () => signedText('[]')],
  ['whose signature is cut', async () => (await signToken(base)).slice(0, -4)],
  ['whose merchant is missing', () => handMade({ alg: 'HS256' }, { ...claims(), comerciante_id: undefined }, secret)],
  ['whose merchant is null', () => handMade({ alg: 'HS256' }, { ...claims(), comerciante_id: null }, secret)],
  ['whose merchant is a list', () => handMade({ alg: 'HS256' }, { ...claims(), comerciante_id: ['loja-1'] }, secret)],
  ['of alg none', () => `${segment({ alg: 'none' })}.${segment(claims())}.`],
  ['of alg none with a signature', () => handMade({ alg: 'none' }, claims(), secret)],
  ['of another HMAC', () => handMade({ alg: 'HS512' }, claims(), secret)],
  ['of a merchant with a slash', () => signToken({ ...base, comercianteId: '../loja-2' })],
  ['of a merchant of 65 characters', () => signToken({ ...base, comercianteId: 'x'.repeat(65) })],
  ['whose merchant is a number', () => handMade({ alg: 'HS256' }, { ...claims(), comerciante_id: 7 }, secret)],
  ['whose scope is a list', () => handMade({ alg: 'HS256' }, { ...claims(), scope: ['consolidado:ler'] }, secret)],
  ['with a critical header', () => handMade({ alg: 'HS256', crit: ['x'], x: 1 }, claims(), secret)],
  ['that is changed', async () => (await signToken(base)).replace(/\.[^.]+\./, `.${segment(claims())}.`)],
  ['of 9 KiB', () => 'x'.repeat(9 * 1024)],
  ['of 100 kB, well signed', () => handMade({ alg: 'HS256' }, { ...claims(), enchimento: 'x'.repeat(75_000) }, secret)],
  ['that is empty', () => ''],
  ['in two pieces', () => 'a b'],
]
test.each(refused)('a token %s is refused as 401', async (_, make) => {
  const answer = await ask('/meu', `Bearer ${await make()}`)
  expect(answer.status).toBe(401)
  expect(answer.headers.get('WWW-Authenticate')).toMatch(/^Bearer realm="fluxo"/)
})

test('a merchant is 1 to 64 of A-Z a-z 0-9 . _ -, taken as it is written, and whatever else a token says is refused', async () => {
  const ids = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.stringMatching(/^[A-Za-z0-9._-]{1,70}$/),
    fc.stringMatching(/^[A-Za-z0-9._-]{1,62}[\n\r\0\u2028 éаｅ]$/u),
  )
  const allowed = /^[A-Za-z0-9._-]{1,64}$/
  await fc.assert(
    fc.asyncProperty(ids, async (id) => {
      const answer = await ask('/meu', `Bearer ${await signToken({ ...base, comercianteId: id })}`)
      expect(answer.status).toBe(allowed.test(id) && id.trim() === id ? 200 : 401)
      if (answer.status === 200) expect(await answer.json()).toBe(id)
    }),
    { numRuns: 300 },
  )
})

test('another scheme is not a token', async () => {
  expect((await ask('/meu', 'Basic YTpi')).status).toBe(401)
})

test('a process without a way to verify tokens, or with a short secret, does not start', () => {
  expect(() => createVerifier({})).toThrow('JWT_SECRET or JWT_JWKS_URL')
  expect(() => createVerifier({ secret: 'curto' })).toThrow('at least 32 bytes')
})

let keys: Server
let jwksUrl: string
let privateKey: KeyObject
let publicPem: string
beforeAll(async () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  privateKey = pair.privateKey
  publicPem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const jwk = { ...createPublicKey(publicPem).export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }
  const { alg: _, ...anyAlgorithm } = { ...jwk, kid: 'k2' }
  keys = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk, anyAlgorithm] })))
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve))
  jwksUrl = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks`
})
afterAll(() => new Promise((resolve) => keys.close(resolve)))

const issuer = 'https://emissor.example'
const audience = 'https://fluxo.example/api'
const signRsa = (alg = 'RS256', kid = 'k1', others: object = {}) =>
  new SignJWT({ ...claims(), iss: issuer, aud: audience, ...others }).setProtectedHeader({ alg, kid }).sign(privateKey)

test('a token of the key server is accepted, beside those of the secret', async () => {
  const both = createVerifier({ secret, jwksUrl, issuer, audience })
  expect((await ask('/meu', `Bearer ${await signRsa()}`, both)).status).toBe(200)
  expect((await ask('/meu', `Bearer ${await signToken({ ...base, issuer, audience })}`, both)).status).toBe(200)
})

test('a key server is not trusted without issuer and audience', () => {
  for (const half of [{}, { issuer }, { audience }]) {
    expect(() => createVerifier({ secret, jwksUrl, ...half })).toThrow('JWT_JWKS_URL needs JWT_ISSUER and JWT_AUDIENCE')
  }
})

const strangers: readonly [string, object][] = [
  ['for another application', { aud: 'https://outra.example/api' }],
  ['for several other applications', { aud: ['https://outra.example/api', `${audience}/`] }],
  ['for nobody in particular', { aud: undefined }],
  ['for an empty list', { aud: [] }],
  ['for a list in a list', { aud: [[audience]] }],
  ['for our name in other letters', { aud: audience.toUpperCase() }],
  ['for a part of our name', { aud: 'https://fluxo.example' }],
  ['of another issuer', { iss: 'https://outro.example' }],
  ['of an issuer with a slash more', { iss: `${issuer}/` }],
  ['of a list of issuers', { iss: [issuer] }],
  ['of no issuer', { iss: undefined }],
]
test.each(strangers)('a token %s is refused as 401, again and again, with either kind of key', async (_, others) => {
  const used = createVerifier({ secret, jwksUrl, issuer, audience })
  expect((await ask('/meu', `Bearer ${await signRsa()}`, used)).status).toBe(200)
  const hmac = handMade({ alg: 'HS256' }, { ...claims(), iss: issuer, aud: audience, ...others }, secret)
  for (const token of [await signRsa('RS256', 'k1', others), hmac]) {
    for (let again = 0; again < 3; again += 1) {
      const answer = await ask('/meu', `Bearer ${token}`, used)
      expect([answer.status, answer.headers.get('WWW-Authenticate')]).toEqual([401, INVALID])
      expect(await answer.json()).toMatchObject({
        codigo: 'token-invalido',
        detail: expect.stringContaining('emissor'),
      })
    }
  }
})

test('a token may be for several applications, ours among them', async () => {
  const used = createVerifier({ jwksUrl, issuer, audience })
  const token = await signRsa('RS256', 'k1', { aud: ['https://outra.example/api', audience] })
  expect((await ask('/meu', `Bearer ${token}`, used)).status).toBe(200)
})

test('with a secret alone, issuer and audience are looked at where they are set', async () => {
  const plain = await signToken(base)
  const named = await signToken({ ...base, issuer, audience })
  const statuses = async (used: Verifier) =>
    Promise.all([plain, named].map(async (token) => (await ask('/meu', `Bearer ${token}`, used)).status))
  expect(await statuses(verifier)).toEqual([200, 200])
  expect(await statuses(createVerifier({ secret, audience }))).toEqual([401, 200])
  expect(await statuses(createVerifier({ secret, issuer }))).toEqual([401, 200])
})

test('a public key cannot pose as an HMAC secret', async () => {
  const confused = handMade({ alg: 'HS256', kid: 'k1' }, { ...claims(), iss: issuer, aud: audience }, publicPem)
  for (const used of [{ jwksUrl }, { secret, jwksUrl }].map((keys) => createVerifier({ ...keys, issuer, audience }))) {
    expect((await ask('/meu', `Bearer ${confused}`, used)).status).toBe(401)
  }
})

test('an algorithm that is not ours is refused, also where the key would allow it', async () => {
  const used = createVerifier({ jwksUrl, issuer, audience })
  expect((await ask('/meu', `Bearer ${await signRsa('RS256', 'k2')}`, used)).status).toBe(200)
  expect((await ask('/meu', `Bearer ${await signRsa('RS512', 'k2')}`, used)).status).toBe(401)
})

test('a token of the key server means nothing to a process that only has the secret', async () => {
  expect((await ask('/meu', `Bearer ${await signRsa()}`)).status).toBe(401)
})

test('a key server that is away is our trouble, 503, and not the fault of the token', async () => {
  const away = createVerifier({ jwksUrl: 'http://127.0.0.1:1/jwks', issuer, audience })
  const answer = await ask('/meu', `Bearer ${await signRsa()}`, away)
  expect(answer.status).toBe(503)
  expect(answer.headers.get('Retry-After')).toBe('5')
})
