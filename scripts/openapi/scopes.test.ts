import { readFileSync } from 'node:fs'
import { createHttpApp } from '@fluxo/shared/http/app'
import { SCOPES } from '@fluxo/shared/http/scopes'
import { signToken } from '@fluxo/shared/http/tokens'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { SECRET, withModules } from './modules.ts'
import type { Document } from './types.ts'

const document: Document = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'))
const OPERATIONS = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })),
)

test('the scopes that the document names are those that open: with all others the answer is 403 and names the first, without a token 401', async () => {
  await withModules(async (modules) => {
    const log = createLogger({ service: 'openapi', level: 'silent' })
    const state = { leaving: () => false, started: () => true }
    const app = createHttpApp({ modules, registry: new Registry(), log, ...state })
    for (const { operationId, path, method, security = [] } of OPERATIONS) {
      const named = security.flatMap((one) => Object.values(one).flat())
      const [scope] = named
      const scopes = Object.keys(SCOPES).filter((one) => !named.includes(one))
      const token = await signToken({ secret: SECRET, comercianteId: 'loja-1', scopes, expiresInSeconds: 60 })
      const url = path.replaceAll(/\{\w+\}/g, 'x')
      const closed = await app.request(url, { method })
      if (scope === undefined) {
        expect([operationId, closed.status]).toEqual([operationId, 404])
        continue
      }
      const other = await app.request(url, { method, headers: { authorization: `Bearer ${token}` } })
      expect([operationId, closed.status, other.status]).toEqual([operationId, 401, 403])
      expect([operationId, other.headers.get('www-authenticate')]).toEqual([
        operationId,
        `Bearer realm="fluxo", error="insufficient_scope", scope="${scope}"`,
      ])
    }
  })
})
