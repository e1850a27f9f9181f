import { OpenAPIHono, z } from '@hono/zod-openapi'
import { expect, test } from 'vitest'
import { documentationRoutes } from '../http/docs.ts'
import type { AppEnv } from '../http/env.ts'
import { documented, type Operation, parameter } from './documented.ts'

const OPERATION: Operation = {
  method: 'get',
  path: '/consolidado/{data}',
  operationId: 'obterSaldoDoDia',
  tag: 'Consolidado',
  summary: 'O saldo de um dia',
  scope: 'consolidado:ler',
  codigos: ['dados-invalidos', 'posicao-pendente'],
  request: { params: z.object({ data: parameter('Dia', z.iso.date()) }) },
  responses: { 200: { description: 'O dia' } },
}
const routes = new OpenAPIHono<AppEnv>()
documented(routes, OPERATION, (c) => c.text(c.req.param('data') ?? ''))
const { scope: _, request: __, ...OPEN } = OPERATION
documented(routes, { ...OPEN, path: '/aberto', operationId: 'ver' }, (c) => c.text(''))
const app = documentationRoutes()

test('a route says its scope, its codes and those of any address, and each status that they have', () => {
  const { paths } = routes.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 't', version: '1' } })
  const call = paths?.['/consolidado/{data}']?.get
  expect(call).toMatchObject({
    operationId: 'obterSaldoDoDia',
    tags: ['Consolidado'],
    security: [{ bearer: ['consolidado:ler'] }],
    parameters: [{ name: 'data', in: 'path', 'x-component': 'Dia' }],
    'x-codigos': [
      'chaves-indisponiveis',
      'dados-invalidos',
      'endereco-invalido',
      'escopo-ausente',
      'indisponivel',
      'iniciando',
      'posicao-pendente',
      'requisicao-malformada',
      'token-ausente',
      'token-expirado',
      'token-invalido',
    ],
  })
  expect(Object.keys(call?.responses ?? {})).toEqual(['200', '400', '401', '403', '422', '503'])
  expect(call?.responses?.['422']).toEqual({ $ref: '#/components/responses/Problema422' })
  expect(paths?.['/aberto']?.get).toMatchObject({ security: [] })
  expect(Object.keys(paths?.['/aberto']?.get?.responses ?? {})).toEqual(['200', '400', '422', '503'])
})

test('a documented route answers, with its parameter', async () => {
  expect(await (await routes.request('/consolidado/2025-10-15')).text()).toBe('2025-10-15')
})

test('every service gives the document of all of them', async () => {
  const answer = await app.request('/openapi.json')
  expect(answer.headers.get('content-type')).toBe('application/json')
  const text = await answer.text()
  const { openapi, paths } = JSON.parse(text) as { openapi: string; paths: object }
  expect(openapi).toBe('3.1.0')
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/lancamentos', '/consolidado/{data}', '/orders']))
  expect(await (await app.request('/openapi.json')).text()).toBe(text)
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
