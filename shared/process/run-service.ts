import { setTimeout as delay } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { z } from 'zod'
import { envPort, envUrl, parseEnv } from '../env.ts'
import { createVerifier } from '../http/auth.ts'
import { readLogState } from '../log/state.ts'
import { codeOf, isInfrastructure } from '../postgres/failure.ts'
import { closeSql, createSql } from '../postgres/sql.ts'
import { createLimits } from '../ratelimit/admission.ts'
import { createRedisConnections } from '../redis/connection.ts'
import { createLogger, type Logger, type LogStream } from '../telemetry/logger.ts'
import { startTracing } from '../telemetry/start-tracing.ts'
import type { Service } from './define-service.ts'
import { createLifecycle } from './lifecycle.ts'
import { openService } from './open-service.ts'
import { runModules } from './run.ts'
import { SERVICE_ENV, type ServiceEnv, signingOf } from './settings.ts'

/** Everything is closed within this; compose waits longer before it kills. */
const STOP_DEADLINE_MS = 15_000
/** How soon a log whose database is away is asked again. */
const ASK_AGAIN_MS = 500

const databaseUrlName = (service: string): string => `DATABASE_URL_${service.toUpperCase()}`

/** All that a service reads of the environment. */
export const serviceEnv = (service: { name: string; port: number; env: z.ZodRawShape }) =>
  z.object({
    ...SERVICE_ENV,
    PORT: envPort().default(service.port),
    [databaseUrlName(service.name)]: envUrl('postgres', 'postgresql').describe(
      'the role of the service on its database',
    ),
    ...service.env,
  })

/** Runs one service as a process, as the environment asks for it. */
export async function runService<Shape extends z.ZodRawShape, Settings>(
  service: Service<Shape, Settings>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const { name } = service
  const parsed: Record<string, unknown> = parseEnv(serviceEnv(service), environment)
  const env = parsed as ServiceEnv & { PORT: number } & z.infer<z.ZodObject<Shape>>
  const databaseUrl = String(parsed[databaseUrlName(name)])
  const { lifecycle, ...opened } = await openProcess({ name, instance: env.INSTANCIA, env })
  const particoes = service.log && (await readParticoes({ name, databaseUrl, wanted: env.PARTICOES, log: opened.log }))
  const module = openService(service, {
    ...opened,
    databaseUrl,
    cursorSecret: env.JWT_SECRET ?? databaseUrl,
    particoes,
    settings: service.settings(env),
  })
  await runModules({
    ...opened,
    modules: [module],
    port: env.PORT,
    hostname: env.HOST,
    drainNoticeMs: env.DRENAGEM_AVISO_MS,
    lifecycle,
  })
}

type ProcessOptions = {
  /** How logs, traces and Redis name this process. */
  name: string
  instance: string
  env: Omit<ServiceEnv, 'HOST' | 'INSTANCIA' | 'DRENAGEM_AVISO_MS' | 'PARTICOES' | 'LOG_LEVEL'> & { LOG_LEVEL: string }
  stopDeadlineMs?: number | undefined
  /** In place of stdout. */
  logStream?: LogStream | undefined
}

/** Opens what the services of a process share: log, metrics, traces where a collector is named, Redis, and how all is closed. */
export async function openProcess({ name, instance, env, stopDeadlineMs, logStream }: ProcessOptions) {
  const log = createLogger({ service: name, level: env.LOG_LEVEL, stream: logStream })
  const registry = new Registry()
  const verifier = createVerifier({ ...signingOf(env), jwksUrl: env.JWT_JWKS_URL, registry })
  const lifecycle = createLifecycle({ log, deadlineMs: stopDeadlineMs ?? STOP_DEADLINE_MS })
  const tracing = await startTracing({
    endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    ratio: env.OTEL_TRACES_SAMPLER_ARG,
    service: name,
    instance,
    log,
  })
  if (tracing !== undefined) lifecycle.defer('traces', tracing.close)
  const redis = createRedisConnections({ url: env.REDIS_URL, name, log })
  lifecycle.defer('redis', () => redis.close())
  const limits = createLimits({ env, redis: redis.cache, registry })
  return { instance, log, lifecycle, registry, tracing, verifier, redis, limits }
}

type LogQuestion = { name: string; databaseUrl: string; wanted?: number | undefined; log: Logger }

/** Into how many partitions a service's log is split. Waits for a database that is away; one that may not be trusted is an error. */
export async function readParticoes({ name, databaseUrl, wanted, log }: LogQuestion): Promise<number> {
  const sql = createSql({ url: databaseUrl, max: 1, name: `${name} start` })
  try {
    for (let told = false; ; told = true) {
      try {
        return (await readLogState(sql, wanted)).particoes
      } catch (error) {
        if (!isInfrastructure(error) || codeOf(error) === 'TLS_REFUSED') throw error
        if (!told) log.warn({ err: error }, `${name} waits for its database`)
        await delay(ASK_AGAIN_MS)
      }
    }
  } finally {
    await closeSql(sql)
  }
}
