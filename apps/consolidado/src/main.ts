import { hostname } from 'node:os'
import { createVerifier } from '@fluxo/shared/http/auth'
import { tokenDeServicoDe } from '@fluxo/shared/http/service-token'
import { envDurationMs, envInteger, envPort, envSecret, envUrl, parseEnv } from '@fluxo/shared/process/env'
import { createLifecycle } from '@fluxo/shared/process/lifecycle'
import { runModules } from '@fluxo/shared/process/run'
import { createLimites } from '@fluxo/shared/ratelimit/admission'
import { LIMITES_ENV } from '@fluxo/shared/ratelimit/settings'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { startTracing } from '@fluxo/shared/telemetry/start-tracing'
import { z } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { createConsolidado } from './app.ts'

const EnvSchema = z.object({
  PORT: envPort().default(3002),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL_CONSOLIDADO: envUrl('postgres', 'postgresql').describe('the role of the service on its database'),
  REDIS_URL: envUrl('redis', 'rediss'),
  FEED_URL: envUrl('http', 'https').describe('where the ledger answers, for GET /eventos'),
  JWT_SECRET: envSecret(32).optional(),
  JWT_JWKS_URL: envUrl('https', 'http').optional(),
  EVENTOS_TOKEN: z.string().optional().describe('a token with scope eventos:ler, where there is no JWT_SECRET'),
  PARTICOES: envInteger({ min: 1, max: 1024 }).default(1),
  INSTANCIA: z
    .string()
    .default(`${hostname()}-${process.pid}`)
    .describe('unique name in the consumer group; stable in a container'),
  VERIFICACAO_MS: envDurationMs().default(60_000).describe('between two rounds of verification; 0 turns it off'),
  ...LIMITES_ENV,
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  DRENAGEM_AVISO_MS: envDurationMs().default(0).describe('how long a load balancer needs to see that we leave'),
  OTEL_EXPORTER_OTLP_ENDPOINT: envUrl('http', 'https')
    .optional()
    .describe('base URL of an OTLP collector; no traces without'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1).describe('share of the traces to keep'),
})

/** Everything is closed within this; compose waits longer before it kills. */
const STOP_DEADLINE_MS = 15_000

const env = parseEnv(EnvSchema)
const log = createLogger({ service: 'consolidado', level: env.LOG_LEVEL })
const lifecycle = createLifecycle({ log, deadlineMs: STOP_DEADLINE_MS })
const registry = new Registry()
const tracing = await startTracing({
  endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
  ratio: env.OTEL_TRACES_SAMPLER_ARG,
  service: 'consolidado',
  instance: env.INSTANCIA,
  log,
})
if (tracing !== undefined) lifecycle.defer('traces', tracing.close)
const redis = createRedisConnections({ url: env.REDIS_URL, name: 'consolidado', log })
lifecycle.defer('redis', () => redis.close())

const consolidado = createConsolidado({
  databaseUrl: env.DATABASE_URL_CONSOLIDADO,
  redis,
  verifier: createVerifier({ secret: env.JWT_SECRET, jwksUrl: env.JWT_JWKS_URL, registry }),
  limites: createLimites({ env, redis: redis.cache, registry }),
  eventos: {
    baseUrl: env.FEED_URL,
    token: tokenDeServicoDe({ token: env.EVENTOS_TOKEN, secret: env.JWT_SECRET }),
  },
  particoes: env.PARTICOES,
  instancia: env.INSTANCIA,
  verificacaoMs: env.VERIFICACAO_MS,
  log,
  registry,
  tracing,
})
await runModules({
  modules: [consolidado],
  service: 'consolidado',
  port: env.PORT,
  hostname: env.HOST,
  drainNoticeMs: env.DRENAGEM_AVISO_MS,
  log,
  registry,
  tracing,
  lifecycle,
})
