import { OpenAPIHono } from '@hono/zod-openapi'
import type { Registry } from 'prom-client'
import { NotReady } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { withTimeout } from '../wait.ts'
import type { AppEnv } from './env.ts'
import { jsonText } from './json.ts'
import type { HealthCheck } from './module.ts'

/** A dependency that takes longer than this to say that it works does not work. */
const CHECK_TIMEOUT_MS = 1000

type HealthOptions = {
  checks: readonly HealthCheck[]
  registry: Registry
  log: Logger
  started: () => boolean
  leaving: () => boolean
}

/** `reason` is there where an operator has something to do; what else is wrong is in the log. */
type CheckResult = { nome: string; ok: boolean; obrigatoria: boolean; motivo?: string }

/**
 * `/health/live`, `/health/ready` and `/metrics`.
 *
 * Probes that come together share one run of the checks, so that asking often costs the dependencies nothing more.
 */
export function healthRoutes({ checks, registry, log, started, leaving }: HealthOptions): OpenAPIHono<AppEnv> {
  let running: Promise<CheckResult[]> | undefined
  const verify = (): Promise<CheckResult[]> => {
    running ??= Promise.all(checks.map((check) => runCheck(check, log))).finally(() => {
      running = undefined
    })
    return running
  }

  const routes = new OpenAPIHono<AppEnv>()
  routes.get('/health/live', () => jsonText('{"vivo":true}'))
  routes.get('/health/ready', async () => {
    const results = await verify()
    const ready = started() && !leaving() && results.every(({ ok, obrigatoria: required }) => ok || !required)
    return jsonText(JSON.stringify({ pronto: ready, verificacoes: results }), ready ? 200 : 503, {
      'Cache-Control': 'no-store',
    })
  })
  routes.get(
    '/metrics',
    async () => new Response(await registry.metrics(), { headers: { 'Content-Type': registry.contentType } }),
  )
  return routes
}

async function runCheck({ name, required, check }: HealthCheck, log: Logger): Promise<CheckResult> {
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS)
  try {
    await withTimeout(
      Promise.try(check, signal),
      CHECK_TIMEOUT_MS,
      () => new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`),
    )
    return { nome: name, ok: true, obrigatoria: required }
  } catch (error) {
    log.warn({ err: error, check: name }, 'health check failed')
    const reason = error instanceof NotReady ? { motivo: error.message } : {}
    return { nome: name, ok: false, obrigatoria: required, ...reason }
  }
}
