import { hostname as machineName } from 'node:os'
import { createConsolidado } from '@fluxo/consolidado/app'
import { createEntregas } from '@fluxo/entregas/app'
import { createLancamentos } from '@fluxo/lancamentos/app'
import { createVerifier } from '@fluxo/shared/http/auth'
import type { AppModule } from '@fluxo/shared/http/module'
import { createProblemResponse } from '@fluxo/shared/http/problem'
import { signToken } from '@fluxo/shared/http/tokens'
import { readLogState } from '@fluxo/shared/log/state'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createLifecycle } from '@fluxo/shared/process/lifecycle'
import { runModules } from '@fluxo/shared/process/run'
import { createLimits } from '@fluxo/shared/ratelimit/admission'
import type { LimitsEnv } from '@fluxo/shared/ratelimit/settings'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger, type LogStream } from '@fluxo/shared/telemetry/logger'
import { startTracing } from '@fluxo/shared/telemetry/start-tracing'
import { Registry } from 'prom-client'

type TudoOptions = {
  /** 0 takes a free port. */
  port: number
  hostname: string
  databaseUrlLancamentos: string
  databaseUrlConsolidado: string
  databaseUrlEntregas: string
  /** Whether orders move by themselves, and how long each step waits. */
  fluxo: { automatic: boolean; delayMs: number }
  /** Whether webhooks may go to this machine. */
  webhooksLoopback?: boolean
  redisUrl: string
  jwtSecret: string
  limits: LimitsEnv
  logLevel: string
  /** In place of stdout. */
  logStream?: LogStream
  /** Base URL of an OTLP collector; no traces without. */
  otlpEndpoint?: string | undefined
  /** Off where another process lives around it, which handles signals itself. */
  signals?: boolean
}

/** Everything is closed within this, so that Ctrl-C takes seconds. */
const STOP_DEADLINE_MS = 8_000
/** A page of the feed takes well below this; each call signs its own token. */
const SERVICE_TOKEN_SECONDS = 300

/**
 * Runs all services in one process on one port: what `npm start` serves.
 *
 * They share a listener and a Redis and nothing else: each reads another's log through its feed here too, in memory
 * instead of over the network.
 */
export const startAll = async (options: TudoOptions): Promise<{ url: string; stop: () => Promise<void> }> => {
  const { port, hostname, redisUrl, jwtSecret, signals = false } = options
  const log = createLogger({ service: 'fluxo', level: options.logLevel, stream: options.logStream })
  const registry = new Registry()
  const lifecycle = createLifecycle({ log, deadlineMs: STOP_DEADLINE_MS })
  const instance = machineName()
  const tracing = await startTracing({ endpoint: options.otlpEndpoint, ratio: 1, service: 'fluxo', instance, log })
  if (tracing !== undefined) lifecycle.defer('traces', tracing.close)
  const verifier = createVerifier({ secret: jwtSecret })
  const redis = createRedisConnections({ url: redisUrl, name: 'fluxo', log })
  lifecycle.defer('redis', () => redis.close())

  const limits = createLimits({ env: options.limits, redis: redis.cache, registry })

  const particoes = await particoesOf(options.databaseUrlLancamentos)
  const pedidosParticoes = await particoesOf(options.databaseUrlEntregas)
  const token = () => signToken({ secret: jwtSecret, scopes: ['eventos:ler'], expiresInSeconds: SERVICE_TOKEN_SECONDS })

  const entregas = createEntregas({
    databaseUrl: options.databaseUrlEntregas,
    redis,
    verifier,
    limits,
    cursorSecret: jwtSecret,
    particoes: pedidosParticoes,
    instance,
    fluxo: options.fluxo,
    avisos: { allowsLoopback: options.webhooksLoopback ?? false },
    otherGroups: ['lancamentos'],
    log,
    registry,
    tracing,
  })
  const problem = createProblemResponse({ log })
  /** Asks a module's routes in memory. What they throw is answered as over HTTP; Hono itself would print its stack. */
  const inMemory = (routes: AppModule['routes']) => {
    routes.onError((error, c) => problem(c, error))
    return (url: string, init: RequestInit) => routes.request(url, init)
  }
  const lancamentos = createLancamentos({
    databaseUrl: options.databaseUrlLancamentos,
    redis,
    verifier,
    limits,
    cursorSecret: jwtSecret,
    particoes,
    pedidos: {
      eventos: { baseUrl: 'http://entregas/entregas', token, fetch: inMemory(entregas.routes) },
      particoes: pedidosParticoes,
      instance,
    },
    log,
    registry,
    tracing,
  })
  const consolidado = createConsolidado({
    databaseUrl: options.databaseUrlConsolidado,
    redis,
    verifier,
    limits,
    eventos: { baseUrl: 'http://lancamentos', token, fetch: inMemory(lancamentos.routes) },
    particoes,
    instance,
    log,
    registry,
    tracing,
  })
  return runModules({
    modules: [entregas, lancamentos, consolidado],
    port,
    hostname,
    signals,
    log,
    registry,
    tracing,
    lifecycle,
  })
}

/** Into how many partitions a log is split. */
const particoesOf = async (url: string): Promise<number> => {
  const sql = createSql({ url, max: 1, name: 'fluxo start' })
  try {
    return (await readLogState(sql)).particoes
  } finally {
    await closeSql(sql)
  }
}
