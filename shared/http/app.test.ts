import { OpenAPIHono, z } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { DomainError, Unavailable } from '../errors.ts'
import { documented, type Operation } from '../openapi/documented.ts'
import { createLogger } from '../telemetry/logger.ts'
import { createHttpApp } from './app.ts'
import type { AppEnv } from './env.ts'
import { jsonText } from './json.ts'
import type { HealthCheck } from './module.ts'
import { parseWith } from './validate.ts'

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

function testRoutes(): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  const route: Operation = {
    method: 'get',
    operationId: 'obterCoisa',
    tag: 'Entregas',
    summary: 'Lê uma coisa',
    codigos: ['nao-encontrado'],
    path: '/coisas/{id}',
    request: { params: z.object({ id: z.string() }) },
    responses: { 200: { description: 'A coisa' } },
  }
  documented(routes, route, (c) =>
    jsonText(JSON.stringify({ id: c.req.param('id'), trace: c.get('traceparent'), request: c.get('requestId') })),
  )
  routes.post('/coisas', async (c) =>
    jsonText(JSON.stringify(parseWith(z.strictObject({ a: z.string() }), await c.req.json()))),
  )
  routes.get('/conflito', () => {
    throw new DomainError('referencia-duplicada', 'Já existe.', { id: 'x', status: 1 })
  })
  routes.get('/cheio', () => Promise.reject(new Unavailable('fila-cheia', 'A fila está cheia.', 1.5)))
  routes.get('/bug', () => Promise.reject(new Error('senha do banco: segredo')))
  return routes
}

/** A route that answers with a stream without end; tells how many are open. */
function endlessRoutes() {
  const routes = new OpenAPIHono<AppEnv>()
  const open = { streams: 0 }
  routes.get('/sem-fim', () => {
    open.streams += 1
    const cancel = (): void => {
      open.streams -= 1
    }
    return new Response(new ReadableStream({ cancel }))
  })
  return { routes, open }
}

type Setup = { checks?: HealthCheck[]; routes?: OpenAPIHono<AppEnv>; started?: boolean; leaving?: boolean }

function testApp({ checks = [], routes = testRoutes(), started = true, leaving = false }: Setup = {}) {
  const lines: Record<string, unknown>[] = []
  const log = createLogger({ service: 'teste', stream: { write: (line) => void lines.push(JSON.parse(line)) } })
  const nothing = async () => undefined
  const module = { name: 'm', routes, checks, start: nothing, drain: nothing, close: nothing }
  const app = createHttpApp({
    modules: [module],
    registry: new Registry(),
    log,
    leaving: () => leaving,
    started: () => started,
  })
  return { app, lines }
}

test('a refusal is a problem document with the status and title of its code', async () => {
  const { app } = testApp()
  const answer = await app.request('/conflito?token=segredo')
  expect([answer.status, answer.headers.get('Content-Type')]).toEqual([409, 'application/problem+json'])
  expect(await answer.json()).toEqual({
    type: '/problemas/referencia-duplicada',
    title: 'Referência já usada',
    status: 409,
    detail: 'Já existe.',
    instance: '/conflito',
    codigo: 'referencia-duplicada',
    id: 'x',
  })
})

test('wrong fields are 422 with each field named', async () => {
  const answer = await testApp().app.request('/coisas', { method: 'POST', body: '{"b":1}' })
  expect(answer.status).toBe(422)
  expect(await answer.json()).toMatchObject({
    codigo: 'dados-invalidos',
    erros: [
      { campo: 'a', mensagem: 'Campo obrigatório.' },
      { campo: 'b', mensagem: 'Campo desconhecido.' },
    ],
  })
})

test('what is full says when to come back', async () => {
  const answer = await testApp().app.request('/cheio')
  expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '2'])
  expect(await answer.json()).toMatchObject({ codigo: 'fila-cheia' })
})

test('a bug of ours is a bare 500 for the client, and a stack in the log with the same request id', async () => {
  const { app, lines } = testApp()
  const answer = await app.request('/bug')
  const body = await answer.text()
  expect(answer.status).toBe(500)
  expect(body).not.toMatch(/segredo|stack|at /)
  const logged = lines.find(({ level }) => level === 'error')
  expect(logged).toMatchObject({ requestId: answer.headers.get('X-Request-Id'), err: { stack: expect.any(String) } })
})

test('a path of no route is 404, another method of a known path 405 with Allow', async () => {
  const { app } = testApp()
  expect((await app.request('/nada')).status).toBe(404)
  const answer = await app.request('/coisas', { method: 'DELETE' })
  expect([answer.status, answer.headers.get('Allow')]).toEqual([405, 'POST, OPTIONS'])
  expect(await answer.json()).toMatchObject({ codigo: 'metodo-nao-permitido' })
})

test('OPTIONS names the methods, and HEAD answers as GET without its body', async () => {
  const { app } = testApp()
  const options = await app.request('/coisas/1', { method: 'OPTIONS' })
  expect([options.status, options.headers.get('Allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
  const head = await app.request('/coisas/1', { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('the stream that HEAD does not show is ended', async () => {
  const { routes, open } = endlessRoutes()
  expect((await testApp({ routes }).app.request('/sem-fim', { method: 'HEAD' })).status).toBe(200)
  expect(open.streams).toBe(0)
})

test.each(['/coisas/%E0%A4%A', '/coisas/%FF', '/coisas/%00', '/coisas/1?x=%ZZ', '/coisas/a%0Ab', '/%'])(
  'the broken URL %s is 400',
  async (url) => {
    const answer = await testApp().app.request(url)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ codigo: 'endereco-invalido' })
  },
)

test('a URL without end is 414', async () => {
  expect((await testApp().app.request(`/coisas/${'x'.repeat(9000)}`)).status).toBe(414)
})

test('a good request id is kept and a bad one replaced, on every kind of answer', async () => {
  const { app } = testApp()
  for (const path of ['/coisas/1', '/conflito', '/bug', '/nada', '/%', '/health/live', '/docs', '/metrics']) {
    const kept = await app.request(path, { headers: { 'X-Request-Id': 'pedido-1' } })
    expect(kept.headers.get('X-Request-Id')).toBe('pedido-1')
    const made = await app.request(path, { headers: { 'X-Request-Id': 'a b' } })
    expect(made.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
  }
})

test('a handler finds the request id and the trace that came', async () => {
  const headers = { traceparent: TRACEPARENT, 'X-Request-Id': 'r1' }
  const answer = await testApp().app.request('/coisas/1', { headers })
  expect(await answer.json()).toEqual({ id: '1', trace: TRACEPARENT, request: 'r1' })
})

test('the access log has the route pattern and the trace, never the query nor the token', async () => {
  const { app, lines } = testApp()
  await app.request('/coisas/7?q=segredo', { headers: { traceparent: TRACEPARENT, Authorization: 'Bearer segredo' } })
  await app.request('/inventado/1')
  expect(lines).toHaveLength(2)
  expect(lines[0]).toMatchObject({
    method: 'GET',
    route: '/coisas/:id',
    status: 200,
    traceId: TRACEPARENT.slice(3, 35),
  })
  expect(lines[1]).toMatchObject({ route: 'desconhecida', status: 404 })
  expect(JSON.stringify(lines)).not.toMatch(/segredo|inventado/)
})

test('durations are counted by route pattern, and inventing paths makes no new series', async () => {
  const { app } = testApp()
  for (const path of ['/coisas/1', '/coisas/2', '/x1', '/x2']) await app.request(path)
  const text = await (await app.request('/metrics')).text()
  expect(text).toContain('http_request_duration_seconds_count{route="/coisas/:id",method="GET",status="200"} 2')
  expect(text).toContain('http_request_duration_seconds_count{route="desconhecida",method="GET",status="404"} 2')
})

test('before every module has started, only health and metrics answer', async () => {
  const { app } = testApp({ started: false })
  expect((await app.request('/coisas/1')).status).toBe(503)
  expect((await app.request('/health/live')).status).toBe(200)
  expect((await app.request('/health/ready')).status).toBe(503)
})

test('a process that is leaving is alive and not ready', async () => {
  const { app } = testApp({ leaving: true })
  expect((await app.request('/health/live')).status).toBe(200)
  expect((await app.request('/health/ready')).status).toBe(503)
  expect((await app.request('/coisas/1')).status).toBe(200)
})

test('readiness needs the required checks only, reports all, and tells no error', async () => {
  const fails = () => Promise.reject(new Error('segredo'))
  const works = () => Promise.resolve()
  const redis = { name: 'redis', required: false, check: fails }
  const { app } = testApp({ checks: [{ name: 'postgres', required: true, check: works }, redis] })
  const ready = await app.request('/health/ready')
  expect([ready.status, await ready.json()]).toEqual([
    200,
    {
      pronto: true,
      verificacoes: [
        { nome: 'postgres', ok: true, obrigatoria: true },
        { nome: 'redis', ok: false, obrigatoria: false },
      ],
    },
  ])
  const broken = await testApp({ checks: [{ name: 'postgres', required: true, check: fails }] }).app.request(
    '/health/ready',
  )
  expect([broken.status, await broken.text()]).toEqual([503, expect.not.stringContaining('segredo')])
})

test('a check that hangs counts as failed after its second, and is shared by those who ask meanwhile', async () => {
  let runs = 0
  const check = () => {
    runs += 1
    return new Promise<void>(() => undefined)
  }
  const { app } = testApp({ checks: [{ name: 'postgres', required: true, check }] })
  const answers = await Promise.all([app.request('/health/ready'), app.request('/health/ready')])
  expect(answers.map(({ status }) => status)).toEqual([503, 503])
  expect(runs).toBe(1)
})

test('every route is found by the fast router', async () => {
  const { app } = testApp()
  await app.request('/coisas/1')
  expect(app.router.name).toBe('SmartRouter + RegExpRouter')
})
