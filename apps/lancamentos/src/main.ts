import { hostname } from 'node:os'
import { serviceTokenOf } from '@fluxo/shared/feed/service-token'
import { createVerifier } from '@fluxo/shared/http/auth'
import { readLogState } from '@fluxo/shared/log/state'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { envInteger, envPort, envUrl, parseEnv } from '@fluxo/shared/process/env'
import { runModules } from '@fluxo/shared/process/run'
import { openService, SERVICE_ENV, signingOf } from '@fluxo/shared/process/service'
import { createLimits } from '@fluxo/shared/ratelimit/admission'
import { LIMITS_ENV } from '@fluxo/shared/ratelimit/settings'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { z } from '@hono/zod-openapi'
import { createLancamentos } from './app.ts'

const EnvSchema = z.object({
  ...SERVICE_ENV,
  PORT: envPort().default(3001),
  DATABASE_URL_LANCAMENTOS: envUrl('postgres', 'postgresql').describe('the role of the service on its database'),
  PARTICOES: envInteger({ min: 1, max: 1024 }).optional(),
  ...LIMITS_ENV,
  ENTREGAS_URL: envUrl('http', 'https')
    .optional()
    .describe('where entregas answers, whose paid deliveries become entries; none without'),
  ENTREGAS_PARTICOES: envInteger({ min: 1, max: 1024 }).default(1).describe('partitions of its log'),
  EVENTOS_TOKEN: z.string().optional().describe('a token with scope eventos:ler, where there is no JWT_SECRET'),
})

const env = parseEnv(EnvSchema)
const { log, lifecycle, registry, tracing } = await openService({ service: 'lancamentos', instance: hostname(), env })
const verifier = createVerifier({ ...signingOf(env), jwksUrl: env.JWT_JWKS_URL, registry })
const databaseUrl = env.DATABASE_URL_LANCAMENTOS
const redis = createRedisConnections({ url: env.REDIS_URL, name: 'lancamentos', log })
lifecycle.defer('redis', () => redis.close())

const sql = createSql({ url: databaseUrl, max: 1, name: 'lancamentos start' })
const { particoes } = await readLogState(sql, env.PARTICOES)
await closeSql(sql)

const lancamentos = createLancamentos({
  databaseUrl,
  redis,
  verifier,
  limits: createLimits({ env, redis: redis.cache, registry }),
  cursorSecret: env.JWT_SECRET ?? databaseUrl,
  particoes,
  pedidos:
    env.ENTREGAS_URL === undefined
      ? undefined
      : {
          eventos: {
            baseUrl: `${env.ENTREGAS_URL}/entregas`,
            token: serviceTokenOf({ ...signingOf(env), token: env.EVENTOS_TOKEN }),
          },
          particoes: env.ENTREGAS_PARTICOES,
          instance: env.INSTANCIA,
        },
  log,
  registry,
  tracing,
})
await runModules({
  modules: [lancamentos],
  port: env.PORT,
  hostname: env.HOST,
  drainNoticeMs: env.DRENAGEM_AVISO_MS,
  log,
  registry,
  tracing,
  lifecycle,
})
