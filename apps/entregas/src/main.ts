import { createVerifier } from '@fluxo/shared/http/auth'
import { readLogState } from '@fluxo/shared/log/state'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { envBoolean, envDurationMs, envInteger, envList, envPort, envUrl, parseEnv } from '@fluxo/shared/process/env'
import { runModules } from '@fluxo/shared/process/run'
import { openService, SERVICE_ENV, signingOf } from '@fluxo/shared/process/service'
import { createLimits } from '@fluxo/shared/ratelimit/admission'
import { LIMITS_ENV } from '@fluxo/shared/ratelimit/settings'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { z } from '@hono/zod-openapi'
import { createEntregas } from './app.ts'
import { FLUXO_ENV, fluxoOptions } from './fluir/settings.ts'

const EnvSchema = z.object({
  ...SERVICE_ENV,
  PORT: envPort().default(3003),
  DATABASE_URL_ENTREGAS: envUrl('postgres', 'postgresql').describe('the role of the service on its database'),
  PARTICOES: envInteger({ min: 1, max: 1024 }).optional(),
  ...LIMITS_ENV,
  ...FLUXO_ENV,
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
})

const env = parseEnv(EnvSchema)
const { log, lifecycle, registry, tracing } = await openService({ service: 'entregas', instance: env.INSTANCIA, env })
const verifier = createVerifier({ ...signingOf(env), jwksUrl: env.JWT_JWKS_URL, registry })
const databaseUrl = env.DATABASE_URL_ENTREGAS
const redis = createRedisConnections({ url: env.REDIS_URL, name: 'entregas', log })
lifecycle.defer('redis', () => redis.close())

const sql = createSql({ url: databaseUrl, max: 1, name: 'entregas start' })
const { particoes } = await readLogState(sql, env.PARTICOES)
await closeSql(sql)

const entregas = createEntregas({
  databaseUrl,
  redis,
  verifier,
  limits: createLimits({ env, redis: redis.cache, registry }),
  cursorSecret: env.JWT_SECRET ?? databaseUrl,
  particoes,
  instance: env.INSTANCIA,
  fluxo: fluxoOptions(env),
  avisos: { allowsLoopback: env.ENTREGAS_WEBHOOKS_LOOPBACK, waitsMs: env.ENTREGAS_WEBHOOKS_ESPERAS },
  otherGroups: env.ENTREGAS_GRUPOS.split(',').filter((group) => group !== ''),
  log,
  registry,
  tracing,
})
await runModules({
  modules: [entregas],
  port: env.PORT,
  hostname: env.HOST,
  drainNoticeMs: env.DRENAGEM_AVISO_MS,
  log,
  registry,
  tracing,
  lifecycle,
})
