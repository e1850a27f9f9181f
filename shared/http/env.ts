import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'

/** What every handler finds in its context. `c.get('…')` is cheaper than `c.var.…`, which copies all of them. */
export type AppEnv = {
  Bindings: HttpBindings
  Variables: {
    /** The merchant of the verified token; set by `requireScope`. */
    comercianteId: string
    scopes: ReadonlySet<string>
    requestId: string
    /** The W3C header as it came, only where it came and is valid. */
    traceparent?: string
  }
}

/** Node's own request and response, or `undefined` in tests that call `app.request` without a listener. */
export function nodeOf(c: Context<AppEnv>): HttpBindings | undefined {
  const env = c.env as Partial<HttpBindings> | undefined
  return env?.incoming === undefined || env.outgoing === undefined ? undefined : c.env
}

/** A request header by its lower-case name, from Node's parsed headers where there are any: four times cheaper than `c.req.header`. */
export function headerOf(c: Context<AppEnv>, name: string): string | undefined {
  const node = nodeOf(c)
  if (node === undefined) return c.req.header(name)
  const value = node.incoming.headers[name]
  return typeof value === 'string' ? value : value?.[0]
}
