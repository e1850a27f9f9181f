import { OpenAPIHono } from '@hono/zod-openapi'
import type { Handler, MiddlewareHandler } from 'hono'
import { expect, test } from 'vitest'
import type { AppEnv } from './env.ts'
import { answerOf, chain, mountRoutes } from './mount.ts'

type Step = Handler<AppEnv> | MiddlewareHandler<AppEnv>

const answer = async (...steps: Step[]): Promise<Response> => {
  const app = new OpenAPIHono<AppEnv>()
  const routes = new OpenAPIHono<AppEnv>()
  for (const step of steps) routes.get('/a/:id', step)
  mountRoutes(app, routes, (_, handle) => async (c) => answerOf(c, await handle(c)))
  return app.request('/a/7')
}

test('middleware may return what next gives, or await it and change the answer', async () => {
  const returning: Step = (_, next) => next()
  const changing: Step = async (c, next) => {
    await next()
    c.res.headers.set('X-Seen', String(c.res.status))
  }
  const given = await answer(returning, changing, (c) => c.text(`id ${c.req.param('id')}`, 201))
  expect([given.status, given.headers.get('X-Seen'), await given.text()]).toEqual([201, '201', 'id 7'])
})

test('middleware that answers itself keeps the handler from running', async () => {
  let ran = false
  const given = await answer(
    (c) => c.text('no', 403),
    (c) => {
      ran = true
      return c.text('yes')
    },
  )
  expect([given.status, ran]).toEqual([403, false])
})

test('nothing is awaited where every step answers at once', () => {
  const app = new OpenAPIHono<AppEnv>()
  const seen: unknown[] = []
  const steps: Step[] = [(_, next) => next(), (c) => c.text('x')]
  app.get('/', (c) => {
    const given = chain(steps)(c)
    seen.push(given instanceof Response)
    return answerOf(c, given)
  })
  expect(app.request('/')).toBeInstanceOf(Response)
  expect(seen).toEqual([true])
})

test('a route that answers nothing is a bug of ours, told as such', async () => {
  const app = new OpenAPIHono<AppEnv>()
  const errors: string[] = []
  app.onError((error, c) => {
    errors.push(error.message)
    return c.text('', 500)
  })
  app.get('/', async (c) => answerOf(c, await chain([(_, next) => next()])(c)))
  await app.request('/')
  expect(errors).toEqual(['invariant: no handler answered GET /'])
})

test('a module cannot slip in middleware for routes that are not its own', () => {
  const routes = new OpenAPIHono<AppEnv>()
  routes.use(async (_, next) => next())
  expect(() => mountRoutes(new OpenAPIHono<AppEnv>(), routes, (_, handle) => handle as never)).toThrow('invariant')
})
