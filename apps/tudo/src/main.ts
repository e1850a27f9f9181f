import { hostname as machineName } from 'node:os'
import { avisos } from '@fluxo/avisos/app'
import { consolidado } from '@fluxo/consolidado/app'
import { entregas } from '@fluxo/entregas/app'
import { lancamentos } from '@fluxo/lancamentos/app'
import type { AppModule } from '@fluxo/shared/http/module'
import { createProblemResponse } from '@fluxo/shared/http/problem'
import { signToken } from '@fluxo/shared/http/tokens'
import { openService } from '@fluxo/shared/process/open-service'
import { runModules } from '@fluxo/shared/process/run'
import { openProcess, readParticoes } from '@fluxo/shared/process/run-service'
import type { LimitsEnv } from '@fluxo/shared/ratelimit/settings'
import type { LogStream } from '@fluxo/shared/telemetry/logger'

type TudoOptions = {
  /** 0 takes a free port. */
  port: number
  hostname: string
  databaseUrls: Readonly<Record<'lancamentos' | 'consolidado' | 'entregas' | 'avisos', string>>
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
/** As of consolidado alone (`VERIFICACAO_MS`). */
const VERIFICAR_MS = 60_000

/**
 * Runs all services in one process on one port: what `npm start` serves.
 *
 * They share a listener and a Redis and nothing else: each reads another's log through its feed here too, in memory
 * instead of over the network.
 */
export const startAll = async (options: TudoOptions): Promise<{ url: string; stop: () => Promise<void> }> => {
  const { port, hostname, redisUrl, jwtSecret, signals = false } = options
  const { databaseUrls } = options
  const { lifecycle, ...opened } = await openProcess({
    name: 'fluxo',
    instance: machineName(),
    env: {
      ...options.limits,
      REDIS_URL: redisUrl,
      JWT_SECRET: jwtSecret,
      LOG_LEVEL: options.logLevel,
      OTEL_EXPORTER_OTLP_ENDPOINT: options.otlpEndpoint,
      OTEL_TRACES_SAMPLER_ARG: 1,
    },
    stopDeadlineMs: STOP_DEADLINE_MS,
    logStream: options.logStream,
  })
  const { log } = opened
  const common = { ...opened, cursorSecret: jwtSecret }
  const problem = createProblemResponse({ log })
  /** The log of a module, asked in memory. What its routes throw is answered as over HTTP; Hono itself would print its stack. */
  const logOf = ({ name, routes }: AppModule, path: string, particoes: number) => {
    routes.onError((error, c) => problem(c, error))
    return {
      baseUrl: `http://${name}${path}`,
      token: () => signToken({ secret: jwtSecret, scopes: ['eventos:ler'], expiresInSeconds: SERVICE_TOKEN_SECONDS }),
      fetch: (url: string, init: RequestInit) => routes.request(url, init),
      particoes,
    }
  }

  const particoesOf = (databaseUrl: string) => readParticoes({ name: 'fluxo', databaseUrl, log })
  const particoes = await particoesOf(databaseUrls.lancamentos)
  const pedidosParticoes = await particoesOf(databaseUrls.entregas)
  const orders = openService(entregas, {
    ...common,
    databaseUrl: databaseUrls.entregas,
    particoes: pedidosParticoes,
    settings: { fluxo: options.fluxo },
  })
  const ordersLog = logOf(orders, '/entregas', pedidosParticoes)
  const ledger = openService(lancamentos, {
    ...common,
    databaseUrl: databaseUrls.lancamentos,
    particoes,
    settings: { pedidos: ordersLog },
  })
  const ledgerLog = logOf(ledger, '', particoes)
  const balances = openService(consolidado, {
    ...common,
    databaseUrl: databaseUrls.consolidado,
    settings: { lancamentos: ledgerLog, verificarMs: VERIFICAR_MS },
  })
  const told = openService(avisos, {
    ...common,
    databaseUrl: databaseUrls.avisos,
    settings: {
      pedidos: ordersLog,
      books: { lancamentos: ledgerLog, consolidado: logOf(balances, '', particoes) },
      webhooks: { allowsLoopback: options.webhooksLoopback ?? false },
    },
  })
  return runModules({ ...opened, modules: [orders, ledger, balances, told], port, hostname, signals, lifecycle })
}
