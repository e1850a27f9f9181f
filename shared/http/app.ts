import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Registry } from 'prom-client'
import { DomainError } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { documentationRoutes } from './docs.ts'
import type { AppEnv } from './env.ts'
import { healthRoutes } from './health.ts'
import { htmlRoutes, noSuchAddress } from './html-routes.ts'
import type { AppModule } from './module.ts'
import { mountRoutes } from './mount.ts'
import { NO_ROUTE, observeRoutes } from './observe.ts'
import { createProblemResponse } from './problem.ts'

type HttpAppOptions = {
  modules: readonly AppModule[]
  registry: Registry
  log: Logger
  /** True once the process must not get new work: `/health/ready` answers 503. */
  leaving: () => boolean
  /** True once every module has started; before that only health and metrics answer, the rest waits a while and is 503 then. */
  started: () => boolean
  whenStarted?: () => Promise<unknown>
  tracing?: Tracing | undefined
}

/**
 * Builds the one HTTP application of a process: the modules' routes, health, metrics and documentation under one middleware.
 *
 * Whatever goes wrong is answered as RFC 9457 problem.
 */
export function createHttpApp(options: HttpAppOptions): OpenAPIHono<AppEnv> {
  const { modules, registry, log, leaving, started, whenStarted, tracing } = options
  const problem = createProblemResponse({ log })
  const observed = observeRoutes({ registry, log, started, whenStarted, problem, tracing })
  const app = new OpenAPIHono<AppEnv>()
  const checks = modules.flatMap(({ name, checks, gate }) =>
    gate === undefined ? checks : [{ name: `${name}-gate`, required: true, check: gate.check }, ...checks],
  )
  mountRoutes(app, healthRoutes({ checks, registry, log, leaving, started }), observed)
  mountRoutes(app, documentationRoutes(), observed)
  mountRoutes(app, htmlRoutes(), observed)
  for (const { routes } of modules) {
    mountRoutes(app, routes, observed)
  }
  app.notFound(observed(NO_ROUTE, (c) => answerNoRoute(app, c, problem)))
  // Nothing of ours throws out of `observed`; this is for what Hono itself might.
  app.onError((error, c) => problem(c, error))
  return app
}

/** 404; or where the path exists with another method, 405 with `Allow`, and 204 with the same for OPTIONS. */
function answerNoRoute(
  app: OpenAPIHono<AppEnv>,
  c: Context<AppEnv>,
  problem: (c: Context<AppEnv>, error: unknown) => Response,
): Response {
  const methods = methodsOf(app, c.req.path)
  if (methods.length === 0) return problem(c, noSuchAddress())
  const allow = methods.join(', ')
  if (c.req.method === 'OPTIONS') return new Response(null, { status: 204, headers: { Allow: allow } })
  const refusal = new DomainError('metodo-nao-permitido', `O método ${c.req.method} não é aceito aqui.`)
  const answer = problem(c, refusal)
  answer.headers.set('Allow', allow)
  return answer
}

/** What the registered routes answer on this path; Hono answers HEAD wherever there is a GET. Middleware is not a route. */
function methodsOf(app: OpenAPIHono<AppEnv>, path: string): string[] {
  const methods = new Set<string>()
  for (const method of new Set(app.routes.map((route) => route.method))) {
    const isRoute = app.router.match(method, path)[0].some(([[, route]]) => route.method === method)
    if (method === 'ALL' || !isRoute) continue
    methods.add(method)
    if (method === 'GET') methods.add('HEAD')
  }
  if (methods.size > 0) methods.add('OPTIONS')
  return [...methods]
}
