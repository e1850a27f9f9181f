import { hostname } from 'node:os'
import { createVerifier } from '@fluxo/shared/http/auth'
import { readLogState } from '@fluxo/shared/log/estado'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import {
  envBoolean,
  envDurationMs,
  envInteger,
  envList,
  envPort,
  envSecret,
  envUrl,
  parseEnv,
} from '@fluxo/shared/process/env'
import { createLifecycle } from '@fluxo/shared/process/lifecycle'
import { runModules } from '@fluxo/shared/process/run'
import { createLimites } from '@fluxo/shared/ratelimit/admission'
import { LIMITES_ENV } from '@fluxo/shared/ratelimit/settings'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { startTracing } from '@fluxo/shared/telemetry/start-tracing'
import { z } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { createEntregas, STATUSES_DE_ENTREGAS } from './app.ts'

const EnvSchema = z.object({
  PORT: envPort().default(3003),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL_ENTREGAS: envUrl('postgres', 'postgresql').describe('the role of the service on its database'),
  REDIS_URL: envUrl('redis', 'rediss'),
  JWT_SECRET: envSecret(32).optional(),
  JWT_JWKS_URL: envUrl('https', 'http').optional(),
  PARTICOES: envInteger({ min: 1, max: 1024 }).optional(),
  ...LIMITES_ENV,
  INSTANCIA: z
    .string()
    .default(`${hostname()}-${process.pid}`)
    .describe('unique name in the consumer group; stable in a container'),
  ENTREGAS_FLUXO: z.enum(['automatico', 'manual']).default('automatico').describe('whether orders move by themselves'),
  ENTREGAS_ATRASO_MS: envDurationMs().default(1_000).describe('how long each step of the automatic flow waits'),
  ENTREGAS_GRUPOS: z
    .string()
    .default('lancamentos')
    .describe('other consumer groups of the orders, by commas: nothing is trimmed before they have it'),
  ENTREGAS_WEBHOOKS_LOOPBACK: envBoolean()
    .default(false)
    .describe('whether webhooks may go to this machine, over plain HTTP too: for development only'),
  ENTREGAS_WEBHOOKS_ESPERAS: envList(envDurationMs())
    .optional()
    .describe('the wait before each attempt of a webhook, by commas; 0,30s,5m,30m,2h,8h,24h without'),
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
const log = createLogger({ service: 'entregas', level: env.LOG_LEVEL })
const lifecycle = createLifecycle({ log, deadlineMs: STOP_DEADLINE_MS })
const registry = new Registry()
const tracing = await startTracing({
  endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
  ratio: env.OTEL_TRACES_SAMPLER_ARG,
  service: 'entregas',
  instance: env.INSTANCIA,
  log,
})
if (tracing !== undefined) lifecycle.defer('traces', tracing.close)
const databaseUrl = env.DATABASE_URL_ENTREGAS
const redis = createRedisConnections({ url: env.REDIS_URL, name: 'entregas', log })
lifecycle.defer('redis', () => redis.close())

const sql = createSql({ url: databaseUrl, max: 1, name: 'entregas start' })
const { particoes } = await readLogState(sql, env.PARTICOES)
await closeSql(sql)

const entregas = createEntregas({
  databaseUrl,
  redis,
  verifier: createVerifier({ secret: env.JWT_SECRET, jwksUrl: env.JWT_JWKS_URL, registry }),
  limites: createLimites({ env, redis: redis.cache, registry }),
  cursorSecret: env.JWT_SECRET ?? databaseUrl,
  particoes,
  instancia: env.INSTANCIA,
  fluxo: { automatico: env.ENTREGAS_FLUXO === 'automatico', atrasoMs: env.ENTREGAS_ATRASO_MS },
  avisos: { permiteLoopback: env.ENTREGAS_WEBHOOKS_LOOPBACK, esperasMs: env.ENTREGAS_WEBHOOKS_ESPERAS },
  outrosGrupos: env.ENTREGAS_GRUPOS.split(',').filter((grupo) => grupo !== ''),
  log,
  registry,
  tracing,
})
await runModules({
  modules: [entregas],
  service: 'entregas',
  port: env.PORT,
  hostname: env.HOST,
  statuses: STATUSES_DE_ENTREGAS,
  drainNoticeMs: env.DRENAGEM_AVISO_MS,
  log,
  registry,
  tracing,
  lifecycle,
})
