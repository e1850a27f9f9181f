import { redisUrl, uniquePrefix } from '@fluxo/tests/stage/databases'
import { OpenAPIHono } from '@hono/zod-openapi'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { parseEnv } from '../env.ts'
import { createHttpApp } from '../http/app.ts'
import { createVerifier, requireScope } from '../http/auth.ts'
import type { AppEnv } from '../http/env.ts'
import { jsonText } from '../http/json.ts'
import { serveHttp } from '../http/server.ts'
import { signToken } from '../http/tokens.ts'
import { createRedisConnections } from '../redis/connection.ts'
import { createLimits, type Limits } from './admission.ts'
import { LIMITS_ENV } from './settings.ts'

const SECRET = 'segredo-de-teste-com-mais-de-32-bytes'
const log = pino({ level: 'silent' })
const redis = createRedisConnections({ url: redisUrl(), name: 'teste', log })
const verifier = createVerifier({ secret: SECRET })
const closers: (() => Promise<void>)[] = [() => redis.close()]

afterAll(async () => {
  for (const close of closers.toReversed()) await close()
})

const limitsOf = (env: Record<string, string>): Limits =>
  createLimits({ env: parseEnv(z.object(LIMITS_ENV), env), redis: redis.cache, registry: new Registry() })

/** A service with one route to write and one to read, over a real listener. */
const serve = async (env: Record<string, string>) => {
  await redis.ready(10_000)
  const { escrita: writes, leitura: reads } = limitsOf(env)
  const routes = new OpenAPIHono<AppEnv>()
  routes.post('/coisas', requireScope(verifier, 'lancamentos:escrever', { admission: writes }), () =>
    jsonText('{}', 201),
  )
  routes.get('/coisas', requireScope(verifier, 'lancamentos:ler', { admission: reads }), () => jsonText('[]'))
  const nothing = async (): Promise<void> => {}
  const module = { name: 'teste', routes, checks: [], start: nothing, drain: nothing, close: nothing }
  const state = { leaving: () => false, started: () => true }
  const app = createHttpApp({ modules: [module], registry: new Registry(), log, ...state })
  const server = await serveHttp({ app, port: 0, hostname: '127.0.0.1', log })
  closers.push(() => server.stop(1_000))
  const token = {
    secret: SECRET,
    comercianteId: uniquePrefix('loja'),
    scopes: ['lancamentos:escrever', 'lancamentos:ler'],
    expiresInSeconds: 600,
  }
  const headers = { authorization: `Bearer ${await signToken(token)}` }
  return (method: string) => fetch(`http://127.0.0.1:${server.port}/coisas`, { method, headers })
}

test('every answer tells the policy and what is left, and one request too many is 429 with Retry-After', async () => {
  const ask = await serve({ LIMITE_ESCRITA_POR_SEGUNDO: '1', LIMITE_ESCRITA_RAJADA: '3' })
  const first = await ask('POST')
  expect(first.status).toBe(201)
  expect(first.headers.get('ratelimit-policy')).toBe('"escrita";q=3;w=3')
  expect(first.headers.get('ratelimit')).toBe('"escrita";r=2;t=1')
  const answers: Response[] = []
  while (answers.length < 20 && answers.at(-1)?.status !== 429) answers.push(await ask('POST'))
  const refused = answers.at(-1)
  expect(refused?.status).toBe(429)
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(refused?.headers.get('ratelimit')).toMatch(/^"escrita";r=0;t=\d+$/)
  expect(refused?.headers.get('x-request-id')).not.toBeNull()
  expect(await refused?.json()).toMatchObject({
    status: 429,
    codigo: 'requisicoes-demais',
    type: '/problemas/requisicoes-demais',
  })
  const read = await ask('GET')
  expect([read.status, read.headers.get('ratelimit-policy')]).toEqual([200, '"leitura";q=4000;w=2'])
})

test('0 is no limit, and no header speaks of one', async () => {
  const ask = await serve({ LIMITE_ESCRITA_POR_SEGUNDO: '0', LIMITE_LEITURA_POR_SEGUNDO: '0' })
  const answers = await Promise.all([ask('POST'), ask('GET')])
  for (const answer of answers) expect([answer.ok, answer.headers.get('ratelimit')]).toEqual([true, null])
})
