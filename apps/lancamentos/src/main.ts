import { hostname } from 'node:os'
import { createVerifier } from '@fluxo/shared/http/auth'
import { tokenDeServicoDe } from '@fluxo/shared/http/service-token'
import { readLogState } from '@fluxo/shared/log/estado'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
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
import { createLancamentos, STATUSES_DE_LANCAMENTOS } from './app.ts'

const EnvSchema = z.object({
  PORT: envPort().default(3001),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL_LANCAMENTOS: envUrl('postgres', 'postgresql').describe('the role of the service on its database'),
  REDIS_URL: envUrl('redis', 'rediss'),
  JWT_SECRET: envSecret(32).optional(),
  JWT_JWKS_URL: envUrl('https', 'http').optional(),
  PARTICOES: envInteger({ min: 1, max: 1024 }).optional(),
  ...LIMITES_ENV,
  INSTANCIA: z
    .string()
    .default(`${hostname()}-${process.pid}`)
    .describe('unique name in the consumer group; stable in a container'),
  ENTREGAS_URL: envUrl('http', 'https')
    .optional()
    .describe('where entregas answers, whose paid deliveries become entries; none without'),
  ENTREGAS_PARTICOES: envInteger({ min: 1, max: 1024 }).default(1).describe('partitions of its log'),
  EVENTOS_TOKEN: z.string().optional().describe('a token with scope eventos:ler, where there is no JWT_SECRET'),
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
const log = createLogger({ service: 'lancamentos', level: env.LOG_LEVEL })
const lifecycle = createLifecycle({ log, deadlineMs: STOP_DEADLINE_MS })
const registry = new Registry()
const tracing = await startTracing({
  endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
  ratio: env.OTEL_TRACES_SAMPLER_ARG,
  service: 'lancamentos',
  instance: hostname(),
  log,
})
if (tracing !== undefined) lifecycle.defer('traces', tracing.close)
const databaseUrl = env.DATABASE_URL_LANCAMENTOS
const redis = createRedisConnections({ url: env.REDIS_URL, name: 'lancamentos', log })
lifecycle.defer('redis', () => redis.close())

const sql = createSql({ url: databaseUrl, max: 1, name: 'lancamentos start' })
const { particoes } = await readLogState(sql, env.PARTICOES)
await closeSql(sql)

const lancamentos = createLancamentos({
  databaseUrl,
  redis,
  verifier: createVerifier({ secret: env.JWT_SECRET, jwksUrl: env.JWT_JWKS_URL, registry }),
  limites: createLimites({ env, redis: redis.cache, registry }),
  cursorSecret: env.JWT_SECRET ?? databaseUrl,
  particoes,
  pedidos:
    env.ENTREGAS_URL === undefined
      ? undefined
      : {
          eventos: {
            baseUrl: `${env.ENTREGAS_URL}/entregas`,
            token: tokenDeServicoDe({ token: env.EVENTOS_TOKEN, secret: env.JWT_SECRET }),
          },
          particoes: env.ENTREGAS_PARTICOES,
          instancia: env.INSTANCIA,
        },
  log,
  registry,
  tracing,
})
await runModules({
  modules: [lancamentos],
  service: 'lancamentos',
  port: env.PORT,
  hostname: env.HOST,
  statuses: STATUSES_DE_LANCAMENTOS,
  drainNoticeMs: env.DRENAGEM_AVISO_MS,
  log,
  registry,
  tracing,
  lifecycle,
})
