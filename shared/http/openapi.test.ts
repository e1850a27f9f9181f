import { OpenAPIHono, z } from '@hono/zod-openapi'
import { expect, test } from 'vitest'
import type { AppEnv } from './env.ts'
import { BEARER, documentationRoutes, documented, problemas } from './openapi.ts'

const documents = new OpenAPIHono<AppEnv>()
const routes = new OpenAPIHono<AppEnv>()
const route = {
  method: 'get',
  path: '/consolidado/{data}',
  security: BEARER,
  request: { params: z.object({ data: z.iso.date() }) },
  responses: { 200: { description: 'O dia' }, ...problemas(401) },
} as const
documented(routes, route, (c) => c.text(c.req.param('data') ?? ''))
documents.route('/', routes)
const app = documentationRoutes({ documents, service: 'teste' })

test('the document is OpenAPI 3.1 with the routes, the token scheme and one problem schema', async () => {
  const text = await (await app.request('/openapi.json')).text()
  expect(JSON.parse(text)).toMatchObject({
    openapi: '3.1.0',
    info: { title: expect.stringContaining('fluxo de caixa') },
    paths: {
      '/consolidado/{data}': {
        get: {
          security: [{ bearerAuth: [] }],
          responses: {
            401: { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problema' } } } },
          },
        },
      },
    },
    components: { securitySchemes: { bearerAuth: { scheme: 'bearer' } }, schemas: { Problema: { type: 'object' } } },
  })
  expect(await (await app.request('/openapi.json')).text()).toBe(text)
})

test('a documented route answers, with its parameter', async () => {
  expect(await (await routes.request('/consolidado/2025-10-15')).text()).toBe('2025-10-15')
})

test('the documentation page loads scripts from this server only, none of them inline', async () => {
  const page = await app.request('/docs')
  const html = await page.text()
  expect(page.headers.get('Content-Security-Policy')).toMatch(/default-src 'none'; script-src 'self';/)
  expect(html).not.toMatch(/https?:\/\/|<script>|onload=/)
  const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '')
  expect(files).toHaveLength(4)
  for (const file of files) {
    const answer = await app.request(file)
    expect([file, answer.status]).toEqual([file, 200])
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(0)
  }
})
