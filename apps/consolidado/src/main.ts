import { serviceTokenOf } from '@fluxo/shared/feed/service-token'
import { createVerifier } from '@fluxo/shared/http/auth'
import { envDurationMs, envInteger, envPort, envUrl, parseEnv } from '@fluxo/shared/process/env'
import { runModules } from '@fluxo/shared/process/run'
import { openService, SERVICE_ENV, signingOf } from '@fluxo/shared/process/service'
import { createLimits } from '@fluxo/shared/ratelimit/admission'
import { LIMITS_ENV } from '@fluxo/shared/ratelimit/settings'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { z } from '@hono/zod-openapi'
import { createConsolidado } from './app.ts'

const EnvSchema = z.object({
  ...SERVICE_ENV,
  PORT: envPort().default(3002),
  DATABASE_URL_CONSOLIDADO: envUrl('postgres', 'postgresql').describe('the role of the service on its database'),
  FEED_URL: envUrl('http', 'https').describe('where the ledger answers, for GET /eventos'),
  EVENTOS_TOKEN: z.string().optional().describe('a token with scope eventos:ler, where there is no JWT_SECRET'),
  PARTICOES: envInteger({ min: 1, max: 1024 }).default(1),
  VERIFICACAO_MS: envDurationMs().default(60_000).describe('between two rounds of verification; 0 turns it off'),
  ...LIMITS_ENV,
})

const env = parseEnv(EnvSchema)
const { log, lifecycle, registry, tracing } = await openService({
  service: 'consolidado',
  instance: env.INSTANCIA,
  env,
})
const verifier = createVerifier({ ...signingOf(env), jwksUrl: env.JWT_JWKS_URL, registry })
const redis = createRedisConnections({ url: env.REDIS_URL, name: 'consolidado', log })
lifecycle.defer('redis', () => redis.close())

const consolidado = createConsolidado({
  databaseUrl: env.DATABASE_URL_CONSOLIDADO,
  redis,
  verifier,
  limits: createLimits({ env, redis: redis.cache, registry }),
  eventos: {
    baseUrl: env.FEED_URL,
    token: serviceTokenOf({ ...signingOf(env), token: env.EVENTOS_TOKEN }),
  },
  particoes: env.PARTICOES,
  instance: env.INSTANCIA,
  verificarMs: env.VERIFICACAO_MS,
  log,
  registry,
  tracing,
})
await runModules({
  modules: [consolidado],
  port: env.PORT,
  hostname: env.HOST,
  drainNoticeMs: env.DRENAGEM_AVISO_MS,
  log,
  registry,
  tracing,
  lifecycle,
})
