import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isOfServices, serviceOf } from '../../stage/openapi-document.ts'
import { entryOf, environmentOf, SERVICE_NAMES } from '../../stage/services.ts'
import { ONE_OF_EACH, type System, startSystem } from '../../stage/system.ts'
import { waitFor } from '../../stage/wait-for.ts'
import {
  API,
  MERCHANT,
  NAMESAKE,
  OTHER,
  PEOPLE,
  providerKey,
  type RunningProvider,
  startProvider,
  type Twist,
} from './provider.ts'
import { type SignedIn, signIn } from './sign-in.ts'

/** A call of a service's OpenAPI document, with something in the place of its parameters. */
type Route = { service: string; name: string; path: string; url: string; method: string; guarded: boolean }
type Guard = { security?: readonly object[] }
type Document = Guard & { paths: Readonly<Record<string, Readonly<Record<string, Guard>>>> }

const SOMETHING: Readonly<Record<string, string>> = {
  data: '2025-10-15',
  token: 'x'.repeat(32),
}
const AN_ID = '01a00000-0000-7000-8000-000000000000'

/** The document is one and the same from every service: each is asked for what it answers. */
const routesOf = async (urlOf: System['url']): Promise<Route[]> => {
  const { paths, security: all = [] } = (await (await fetch(`${urlOf('lancamentos')}/openapi.json`)).json()) as Document
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security = all }]) => ({
      service: serviceOf(path),
      name: `${method.toUpperCase()} ${path}`,
      path,
      url: urlOf(serviceOf(path)) + path.replaceAll(/\{(\w+)\}/g, (_, name: string) => SOMETHING[name] ?? AN_ID),
      method: method.toUpperCase(),
      guarded: security.length > 0,
    })),
  )
}

const ask = async ({ url, method }: Route, token?: string) => {
  const hasBody = method !== 'GET' && method !== 'DELETE'
  const answer = await fetch(url, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(hasBody && { 'content-type': 'application/json' }),
    },
    ...(hasBody && { body: '{}' }),
  })
  await answer.body?.cancel()
  return { status: answer.status, challenge: answer.headers.get('www-authenticate') }
}

let provider: RunningProvider
/** Another provider of the same house: the same keys under another name. */
let sibling: RunningProvider
let system: System
let routes: Route[]
let person: SignedIn
let namesake: SignedIn

beforeAll(async () => {
  const key = providerKey()
  provider = await startProvider(key)
  sibling = await startProvider(key)
  const env = {
    JWT_SECRET: '',
    JWT_JWKS_URL: provider.jwksUrl,
    JWT_ISSUER: provider.issuer,
    JWT_AUDIENCE: API,
    EVENTOS_TOKEN: await provider.machine(API, { comerciante_id: undefined }),
  }
  system = await startSystem({ ...ONE_OF_EACH, env })
  routes = await routesOf(system.url)
  person = await signIn(provider, PEOPLE)
  namesake = await signIn(provider, NAMESAKE)
})
afterAll(async () => {
  await system?.stop()
  await Promise.all([provider, sibling].map((one) => one.stop()))
})

const twisted = (twist: Twist) => () => provider.machine(API, twist)

/** What must open nothing anywhere, though the provider's own key has signed it or the provider has given it out. */
const REFUSED: readonly [string, () => string | Promise<string>][] = [
  ['for another application', () => provider.machine(OTHER)],
  ['for a list of other applications', twisted({ aud: [OTHER, `${API}/`] })],
  ['for nobody', twisted({ aud: [] })],
  ['of another issuer with the same keys', () => sibling.machine(API)],
  ['without an issuer', twisted({ iss: undefined })],
  ['that expired', twisted({ expired: true })],
  ['that is opaque', () => provider.machine(undefined)],
  ['that is an ID token', () => person.id_token],
  ['that is a refresh token', () => person.refresh_token],
  ['that is not there', () => ''],
]
const ACCEPTED: readonly [string, () => string | Promise<string>][] = [
  ['of a machine', () => provider.machine(API)],
  ['of a person who signed in', () => person.access_token],
  ['for several applications, ours among them', twisted({ aud: [OTHER, API] })],
]

const guarded = () => routes.filter((route) => route.guarded)
const table: string[] = []
const record = (token: string, outcomes: ReadonlyMap<Route, string>): void => {
  const counts = SERVICE_NAMES.map((service) => {
    const own = [...outcomes].filter(([route]) => route.service === service).map(([, outcome]) => outcome)
    return [...new Set(own)].map((outcome) => `${own.filter((one) => one === outcome).length} × ${outcome}`).join(', ')
  })
  table.push(`| ${token} | ${counts.join(' | ')} |`)
}
afterAll(() =>
  console.log(
    ['', `| token | ${SERVICE_NAMES.join(' | ')} |`, `|---${'|---'.repeat(SERVICE_NAMES.length)}|`, ...table].join(
      '\n',
    ),
  ),
)

test('every route of every service is here, the logs among them, and what needs no token is the public page', () => {
  const names = routes.map(({ name }) => name)
  for (const name of ['GET /eventos', 'GET /entregas/eventos', 'GET /saldos']) expect(names).toContain(name)
  expect(guarded().length).toBeGreaterThan(25)
  const open = routes.filter((route) => !route.guarded).map(({ name }) => name)
  expect(open.filter((name) => !/^GET \/track\//.test(name))).toEqual([])
})

describe.each(REFUSED)('a token %s', (kind, make) => {
  test('is refused by every route of every service, again and again', async () => {
    const token = await make()
    const right = await provider.machine(API)
    const outcomes = new Map<Route, string>()
    for (const route of guarded()) {
      // Beside one that is right and remembered: what a process knows already opens nothing for another.
      expect((await ask(route, right)).status, route.name).not.toBe(401)
      const answers = [await ask(route, token), await ask(route, token)]
      for (const { status, challenge } of answers) {
        expect(status, route.name).toBe(401)
        expect(challenge, route.name).toContain('error="invalid_token"')
      }
      outcomes.set(route, '401')
    }
    record(kind, outcomes)
  })
})

describe.each(ACCEPTED)('a token %s', (kind, make) => {
  test('is let in by every route of every service', async () => {
    const token = await make()
    const outcomes = new Map<Route, string>()
    for (const route of guarded()) {
      const { status } = await ask(route, token)
      expect([401, 403, 500, 503], route.name).not.toContain(status)
      outcomes.set(route, 'let in')
    }
    record(kind, outcomes)
  })
})

test('an ID token of a client that is called like the API names a merchant and has no scope: it opens nothing', async () => {
  const outcomes = new Map<Route, string>()
  for (const route of guarded()) outcomes.set(route, String((await ask(route, namesake.id_token)).status))
  expect(new Set(outcomes.values())).toEqual(new Set(['403']))
  record('an ID token whose client is named like the API', outcomes)
})

test('a token without a merchant opens what is for services and nothing else', async () => {
  const token = await provider.machine(API, { comerciante_id: undefined })
  const outcomes = new Map<Route, string>()
  for (const route of guarded()) {
    const { status } = await ask(route, token)
    // The state of a day is asked for with parameters, which are missing here.
    expect(isOfServices(route.path) ? [200, 422] : [401], route.name).toContain(status)
    outcomes.set(route, String(status))
  }
  record('without a merchant, as services have', outcomes)
})

test('with the provider alone the books are kept: what is registered is in the balance', async () => {
  const authorization = `Bearer ${await provider.machine(API)}`
  const body = JSON.stringify({ tipo: 'CREDITO', valor: '12.34', data: '2025-10-15', descricao: 'Venda' })
  const [lancamentos, consolidado] = [system.url('lancamentos'), system.url('consolidado')]
  const headers = { authorization, 'content-type': 'application/json' }
  expect((await fetch(`${lancamentos}/lancamentos`, { method: 'POST', headers, body })).status).toBe(201)
  const balance = async () =>
    (await fetch(`${consolidado}/consolidado/2025-10-15`, { headers: { authorization } })).text()
  await waitFor(async () => (await balance()).includes('"total_creditos":12.34'), {
    what: `the balance of ${MERCHANT}`,
  })
})

test.each(SERVICE_NAMES)('%s refuses to start with a key server and no names', (service) => {
  const around = {
    databaseUrl: 'postgres://x:x@127.0.0.1:1/x',
    redisUrl: 'redis://127.0.0.1:1',
    jwtSecret: '',
    instance: 'teste',
    urlOf: () => 'http://127.0.0.1:1',
  }
  const { status, stderr } = spawnSync(process.execPath, [entryOf(service)], {
    env: {
      PATH: process.env['PATH'] ?? '',
      ...environmentOf(service, around),
      JWT_JWKS_URL: provider.jwksUrl,
      JWT_ISSUER: provider.issuer,
    },
    encoding: 'utf8',
    timeout: 60_000,
  })
  expect(status).not.toBe(0)
  expect(stderr).toContain('JWT_JWKS_URL needs JWT_ISSUER and JWT_AUDIENCE')
})
