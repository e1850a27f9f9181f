import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { listen } from '@fluxo/tests/stage/listen'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { SignJWT } from 'jose'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createVerifier, type Verifier, type VerifierOptions } from './auth.ts'

type Key = { kid: string; privateKey: KeyObject; jwk: object }

const makeKey = (kid: string): Key => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' } }
}

const OLD = makeKey('antiga')
const NEW = makeKey('nova')

const FROM = { issuer: 'https://emissor.example', audience: 'https://fluxo.example/api' }

let number = 0
/** A token that no verifier has seen before. */
const sign = ({ kid, privateKey }: Key, alg = 'EdDSA') => {
  number += 1
  return new SignJWT({ comerciante_id: 'loja-1', scope: 'consolidado:ler', jti: String(number) })
    .setProtectedHeader({ alg, kid })
    .setIssuer(FROM.issuer)
    .setAudience(FROM.audience)
    .setExpirationTime('10m')
    .sign(privateKey)
}

/** A real key server: what it answers can be changed, and what it was asked is counted. */
const serve = async () => {
  const state = { keys: [OLD], asked: 0, hanging: [] as ServerResponse[], answer: undefined as Answer | undefined }
  const { url, stop } = await listen((_request, response) => {
    state.asked += 1
    if (state.answer) state.answer(response)
    else response.end(JSON.stringify({ keys: state.keys.map(({ jwk }) => jwk) }))
  })
  return Object.assign(state, { url: `${url}/jwks`, stop })
}
type Answer = (response: ServerResponse) => void
type KeyServerState = Awaited<ReturnType<typeof serve>>

const hang =
  (server: KeyServerState): Answer =>
  (response) =>
    void server.hanging.push(response)

let server: KeyServerState
beforeEach(async () => {
  server = await serve()
})
afterEach(() => server.stop())

const verifierWith = (jwksLimits: NonNullable<VerifierOptions['jwksLimits']> = {}, registry = new Registry()) =>
  createVerifier({ jwksUrl: server.url, ...FROM, jwksLimits, registry })

type Outcome = { codigo: string; retryAfterSeconds?: number }
/** `ok`, or with what a token is refused. */
const outcome = (verifier: Verifier, token: string): Promise<Outcome> =>
  Promise.try(() => verifier.verify(token)).then(
    () => ({ codigo: 'ok' }),
    (error: Outcome) => error,
  )
const codigo = async (verifier: Verifier, token: string) => (await outcome(verifier, token)).codigo

describe('rotation', () => {
  test('a new key works once it is published, without a restart, and both work side by side', async () => {
    const verifier = verifierWith({ cooldownMs: 0 })
    expect(await codigo(verifier, await sign(OLD))).toBe('ok')
    expect(await codigo(verifier, await sign(NEW))).toBe('token-invalido')
    server.keys = [OLD, NEW]
    expect(await codigo(verifier, await sign(NEW))).toBe('ok')
    expect(await codigo(verifier, await sign(OLD))).toBe('ok')
  })

  test('a withdrawn key opens nothing once the trust is over, not even for a token that was verified before', async () => {
    const verifier = verifierWith({ refreshMs: 150, trustMs: 300 })
    const [token, other] = [await sign(OLD), await sign(OLD)]
    expect(await codigo(verifier, token)).toBe('ok')
    server.keys = [NEW]
    await waitFor(async () => (await codigo(verifier, token)) === 'token-invalido', { what: 'the end of the trust' })
    expect(await codigo(verifier, other)).toBe('token-invalido')
    expect(await codigo(verifier, await sign(NEW))).toBe('ok')
  })

  test('keys are fetched once, however many tokens there are, and invented key ids cause no flood', async () => {
    const verifier = verifierWith()
    const good = await Promise.all(Array.from({ length: 30 }, () => sign(OLD)))
    const invented = await Promise.all(Array.from({ length: 30 }, (_, i) => sign({ ...OLD, kid: `k${i}` })))
    expect(new Set(await Promise.all(good.map((token) => codigo(verifier, token))))).toEqual(new Set(['ok']))
    expect(new Set(await Promise.all(invented.map((token) => codigo(verifier, token))))).toEqual(
      new Set(['token-invalido']),
    )
    expect(server.asked).toBe(1)
  })

  test('an algorithm that is not ours is refused without asking for keys', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const alg of ['HS256', 'none', 'RS512']) {
      const token = `${part({ alg, kid: 'antiga' })}.${part({ exp: 9_999_999_999 })}.AAAA`
      expect(await codigo(verifierWith(), token)).toBe('token-invalido')
    }
    expect(server.asked).toBe(0)
  })
})

describe('a key server that hangs', () => {
  const limits = { timeoutMs: 200, resetTimeoutMs: 1_000 }

  test('holds the first requests for its timeout and nobody after: 503 with Retry-After, and it is left alone', async () => {
    server.answer = hang(server)
    const registry = new Registry()
    const verifier = verifierWith({ ...limits, resetTimeoutMs: 60_000 }, registry)
    const tokens = await Promise.all(Array.from({ length: 20 }, () => sign(OLD)))
    const first = await Promise.all(tokens.map((token) => outcome(verifier, token)))
    expect(first.map((one) => one.codigo)).toEqual(Array(20).fill('chaves-indisponiveis'))
    expect(server.asked).toBe(1)
    expect(await codigo(verifier, await sign(OLD))).toBe('chaves-indisponiveis')
    expect(server.asked).toBe(2)
    // The circuit is open: nobody asks, so nobody waits.
    for (const token of tokens) {
      expect(await outcome(verifier, token)).toMatchObject({ codigo: 'chaves-indisponiveis', retryAfterSeconds: 60 })
    }
    expect(server.asked).toBe(2)
    expect(await registry.metrics()).toContain('fluxo_breaker_state{name="jwks"} 2')
  })

  test('changes nothing for tokens that are known, nor for new ones of a known key', async () => {
    const verifier = verifierWith({ ...limits, refreshMs: 0, trustMs: 60_000, timeoutMs: 60_000 })
    const known = await sign(OLD)
    expect(await codigo(verifier, known)).toBe('ok')
    server.answer = hang(server)
    // Each of these would start a fetch in the background, which never ends: they are answered all the same.
    for (let i = 0; i < 5; i += 1) expect(await codigo(verifier, await sign(OLD))).toBe('ok')
    expect(verifier.verify(known)).toMatchObject({ comercianteId: 'loja-1' })
    await waitFor(() => server.hanging.length === 1, { what: 'one fetch, and one only' })
    expect(server.asked).toBe(2)
  })

  test('is asked again after a while, and then all is well', async () => {
    server.answer = hang(server)
    const verifier = verifierWith({ timeoutMs: 100, resetTimeoutMs: 100 })
    for (let i = 0; i < 3; i += 1) expect(await codigo(verifier, await sign(OLD))).toBe('chaves-indisponiveis')
    server.answer = undefined
    const token = await sign(OLD)
    await waitFor(async () => (await codigo(verifier, token)) === 'ok', { what: 'the keys' })
  })
})

const nonsense: readonly (readonly [string, Answer])[] = [
  ['an error', (response) => response.writeHead(500).end('{"keys":[]}')],
  ['another place', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
  ['no JSON', (response) => response.end('<html>')],
  ['no key set', (response) => response.end('{"keys":7}')],
  ['without end', (response) => response.end(`{"keys":[],"x":"${'x'.repeat(300_000)}"}`)],
  ['private keys', (response) => response.end(JSON.stringify({ keys: [privateJwk] }))],
]
const privateJwk = { ...OLD.privateKey.export({ format: 'jwk' }), kid: OLD.kid, alg: 'EdDSA' }
test.each(nonsense)(
  'a key server that answers %s is our trouble, 503, and not the fault of the token',
  async (_, answer) => {
    server.answer = answer
    expect(await codigo(verifierWith(), await sign(OLD))).toBe('chaves-indisponiveis')
  },
)

test('a key server that answers no key set is left alone after two of them', async () => {
  server.answer = (response) => response.end('{"keys":7}')
  const verifier = verifierWith()
  for (let i = 0; i < 4; i += 1) expect(await codigo(verifier, await sign(OLD))).toBe('chaves-indisponiveis')
  expect(server.asked).toBe(2)
})
