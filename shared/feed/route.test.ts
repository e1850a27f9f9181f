import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createHttpApp } from '../http/app.ts'
import { createVerifier } from '../http/auth.ts'
import { signToken } from '../http/tokens.ts'
import { createLogger } from '../telemetry/logger.ts'
import { createFeedRoutes } from './route.ts'

const SECRET = 'um segredo de teste com mais de trinta e dois bytes'

test('a log whose database is away is a 503 that says when to come back, not an error of ours', async () => {
  const missing = Object.assign(new Error('terminating connection'), { code: '57P01' })
  const routes = createFeedRoutes({
    operationId: 'listarEventos',
    path: '/eventos',
    readPage: () => Promise.reject(missing),
    readHead: () => Promise.reject(missing),
    particoes: 1,
    verifier: createVerifier({ secret: SECRET }),
  })
  const nothing = async () => undefined
  const app = createHttpApp({
    modules: [{ name: 'm', routes, checks: [], start: nothing, drain: nothing, close: nothing }],
    registry: new Registry(),
    log: createLogger({ service: 'teste', level: 'fatal' }),
    leaving: () => false,
    started: () => true,
  })
  const token = await signToken({ secret: SECRET, scopes: ['eventos:ler'], expiresInSeconds: 60 })
  const answer = await app.request('/eventos', { headers: { Authorization: `Bearer ${token}` } })
  expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '2'])
  expect(await answer.json()).toMatchObject({ codigo: 'banco-indisponivel' })
})
