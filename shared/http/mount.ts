import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context, Handler, MiddlewareHandler } from 'hono'
import { invariant } from '../errors.ts'
import type { AppEnv } from './env.ts'

/** A route in one piece: everything that runs for it, from the outermost to the handler. */
export type Handle = (c: Context<AppEnv>) => Response | Promise<Response>

/** The same before it is known that there is an answer: `answerOf` finds it, or throws. */
export type Unchecked = (c: Context<AppEnv>) => unknown

type Step = Handler<AppEnv> | MiddlewareHandler<AppEnv>

/**
 * Adds the routes of `routes` to `app`, each as one function that `wrap` made of its handlers.
 *
 * Hono answers a request with a single matching function directly; with two or more it awaits one after the other, which costs
 * 1.4 µs for each of them. `app.route` would keep them apart.
 */
export function mountRoutes(
  app: OpenAPIHono<AppEnv>,
  routes: OpenAPIHono<AppEnv>,
  wrap: (route: string, handle: Unchecked) => Handle,
): void {
  const steps = new Map<string, { method: string; path: string; handlers: Step[] }>()
  for (const { method, path, handler } of routes.routes) {
    invariant(method !== 'ALL', `${path}: a module declares middleware with its routes, not for all of them`)
    const key = `${method} ${path}`
    const known = steps.get(key) ?? { method, path, handlers: [] }
    known.handlers.push(handler)
    steps.set(key, known)
  }
  for (const { method, path, handlers } of steps.values()) app.on(method, path, wrap(path, chain(handlers)))
}

/**
 * One function of many, each calling the next: as Hono composes them, without a promise where nothing is awaited.
 *
 * `next()` gives the answer, so that middleware may simply return it; one that awaits it finds it in `c.res`.
 */
export function chain(handlers: readonly Step[]): Unchecked {
  const run = (index: number, c: Context<AppEnv>): unknown => {
    const handler = handlers[index]
    if (handler === undefined) return undefined
    // Hono's type of `next` says void; whoever returns it returns the answer.
    return handler(c, () => keep(c, run(index + 1, c)) as Promise<void>)
  }
  return (c) => run(0, c)
}

/** Leaves the inner answer where middleware looks for it. */
function keep(c: Context<AppEnv>, answer: unknown): unknown {
  if (answer instanceof Promise) return answer.then((given) => keep(c, given))
  if (answer instanceof Response) c.res = answer
  return answer
}

/** What a chain gave: the answer itself, or the one in `c.res` where middleware returned nothing after `await next()`. */
export function answerOf(c: Context<AppEnv>, given: unknown): Response {
  if (given instanceof Response) return given
  invariant(c.finalized, `no handler answered ${c.req.method} ${c.req.path}`)
  return c.res
}
