import { randomUUID } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { Registry } from 'prom-client'
import { DomainError, Indisponivel } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { histogram } from '../telemetry/metrics.ts'
import { parseTraceparent, traceIdOf } from '../telemetry/trace-context.ts'
import { type AppEnv, nodeOf } from './env.ts'

/** API.md does not fix the shape of an id; this is what is safe in a log and in a header. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/

/** Seconds; from a cached read (below 1 ms) to the longest `Prefer: wait` (10 s). */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Characters of a URL: more than any query of ours, below Node's limit on all headers together. */
const URL_CHARS_MAX = 8 * 1024

/** What a path of no route is called, so that inventing paths cannot invent metrics. */
const NO_ROUTE = 'desconhecida'

/** Probes come every few seconds for ever; they are counted, and logged at `debug` only. */
const QUIET = new Set(['/health/live', '/health/ready', '/metrics'])

export type ObserveOptions = {
  registry: Registry
  log: Logger
  started: () => boolean
  problem: (c: Context<AppEnv>, error: unknown) => Response
}

/**
 * The outermost middleware: request id, trace, refusal of broken URLs, duration metric and one access log line.
 *
 * The id is set on Node's own response before anything else, so that every answer carries it, also errors, and no finished
 * `Response` has to be rewritten: touching its headers after `next()` would cost 5 µs. Never logged: query, token, body.
 */
export function observeRequests({ registry, log, started, problem }: ObserveOptions): MiddlewareHandler<AppEnv> {
  const observe = createDurations(registry)

  return async function observeRequest(c, next) {
    const start = performance.now()
    const given = c.req.header('x-request-id')
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID()
    const traceparent = parseTraceparent(c.req.header('traceparent'))
    c.set('requestId', requestId)
    if (traceparent !== undefined) c.set('traceparent', traceparent)
    const node = nodeOf(c)
    node?.outgoing.setHeader('X-Request-Id', requestId)

    const refusal = refusalOfUrl(c.req.url) ?? (started() || QUIET.has(c.req.path) ? undefined : starting())
    if (refusal === undefined) await next()
    else c.res = problem(c, refusal)
    if (node === undefined) c.res.headers.set('X-Request-Id', requestId)

    const { method } = c.req
    const { status } = c.res
    const seconds = (performance.now() - start) / 1000
    const pattern = routePath(c)
    const route = pattern === '/*' || pattern === '*' ? NO_ROUTE : pattern
    observe(route, method, status, seconds)
    const line = {
      method,
      route,
      status,
      ms: Math.round(seconds * 1e5) / 100,
      requestId,
      ...(traceparent !== undefined && { traceId: traceIdOf(traceparent) }),
    }
    if (QUIET.has(route)) log.debug(line, 'request')
    else log.info(line, 'request')
  }
}

/** Malformed percent-encoding, and control characters, which no identifier or text of ours has and PostgreSQL refuses. */
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})|%[01][0-9a-f]|%7f/i

function refusalOfUrl(url: string): DomainError | undefined {
  if (url.length > URL_CHARS_MAX) {
    return new DomainError('endereco-longo-demais', `O endereço pode ter no máximo ${URL_CHARS_MAX} caracteres.`)
  }
  if (!url.includes('%') || (!BROKEN_ESCAPE.test(url) && isDecodable(url))) return undefined
  return new DomainError('endereco-invalido', 'O endereço tem caracteres codificados de forma inválida.')
}

const starting = () => new Indisponivel('iniciando', 'O serviço está iniciando.')

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url)
    return true
  } catch {
    return false
  }
}

/** Remembers the child of each label set: prom-client would otherwise check the labels and build their key each time. */
function createDurations(registry: Registry) {
  const durations = histogram(registry, {
    name: 'http_request_duration_seconds',
    help: 'Time from the request line to the finished answer, by route pattern.',
    labelNames: ['route', 'method', 'status'],
    buckets: BUCKETS,
  })
  return (route: string, method: string, status: number, seconds: number): void =>
    durations.observe({ route, method, status }, seconds)
}
