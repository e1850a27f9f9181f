import { hostname } from 'node:os'
import { Registry } from 'prom-client'
import { z } from 'zod'
import { createLogger } from '../telemetry/logger.ts'
import { startTracing } from '../telemetry/start-tracing.ts'
import { envDurationMs, envSecret, envUrl } from './env.ts'
import { createLifecycle } from './lifecycle.ts'

/** Settings of the tokens that are signed here, for services and commands. */
export const SIGNING_ENV = {
  JWT_SECRET: envSecret(32).optional(),
  JWT_ISSUER: z.string().optional().describe('what `iss` of every token must be; needed with JWT_JWKS_URL'),
  JWT_AUDIENCE: z.string().optional().describe('what `aud` of every token must name; needed with JWT_JWKS_URL'),
}

export const signingOf = (env: z.infer<z.ZodObject<typeof SIGNING_ENV>>) => ({
  secret: env.JWT_SECRET,
  issuer: env.JWT_ISSUER,
  audience: env.JWT_AUDIENCE,
})

/** The settings that every service has, for the schema of its environment. */
export const SERVICE_ENV = {
  ...SIGNING_ENV,
  HOST: z.string().default('127.0.0.1'),
  REDIS_URL: envUrl('redis', 'rediss'),
  JWT_JWKS_URL: envUrl('https', 'http').optional(),
  INSTANCIA: z
    .string()
    .default(`${hostname()}-${process.pid}`)
    .describe('unique name in the consumer group; stable in a container'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  DRENAGEM_AVISO_MS: envDurationMs().default(0).describe('how long a load balancer needs to see that we leave'),
  OTEL_EXPORTER_OTLP_ENDPOINT: envUrl('http', 'https')
    .optional()
    .describe('base URL of an OTLP collector; no traces without'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1).describe('share of the traces to keep'),
}

/** Everything is closed within this; compose waits longer before it kills. */
const STOP_DEADLINE_MS = 15_000

type ServiceSettings = Pick<
  z.infer<z.ZodObject<typeof SERVICE_ENV>>,
  'LOG_LEVEL' | 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_TRACES_SAMPLER_ARG'
>

/** Opens what a process has before its modules: log, metrics, traces where a collector is named, and how all is closed. */
export async function openService({
  service,
  instance,
  env,
}: {
  service: string
  /** How traces name this process. */
  instance: string
  env: ServiceSettings
}) {
  const log = createLogger({ service, level: env.LOG_LEVEL })
  const lifecycle = createLifecycle({ log, deadlineMs: STOP_DEADLINE_MS })
  const tracing = await startTracing({
    endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    ratio: env.OTEL_TRACES_SAMPLER_ARG,
    service,
    instance,
    log,
  })
  if (tracing !== undefined) lifecycle.defer('traces', tracing.close)
  return { log, lifecycle, registry: new Registry(), tracing }
}
