import type { Registry } from 'prom-client'
import { createHttpApp } from '../http/app.ts'
import type { AppModule } from '../http/module.ts'
import { serveHttp } from '../http/server.ts'
import type { Logger } from '../telemetry/logger.ts'
import { nodeMetrics } from '../telemetry/metrics.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import type { Lifecycle } from './lifecycle.ts'
import { handleSignals } from './signals.ts'
import { VERSION } from './version.ts'

type RunOptions = {
  modules: readonly AppModule[]
  /** 0 takes a free port. */
  port: number
  hostname: string
  log: Logger
  registry: Registry
  /** What was opened before (databases, Redis) is registered in it already and is closed after the modules. */
  lifecycle: Lifecycle
  /** Where requests are traced; whoever made it closes it. */
  tracing?: Tracing | undefined
  /** How long a load balancer needs to see that the process is not ready any more, before the listener closes. */
  drainNoticeMs?: number
  /** Off where it runs inside another process (tests): no handlers for signals and uncaught errors are installed. */
  signals?: boolean
}

type RunningProcess = { url: string; port: number; stop(): Promise<void> }

/** A request waits at most 10 s (`Prefer: wait`), so nothing that is answered at all is cut. */
const REQUESTS_DEADLINE_MS = 12_000

/**
 * Runs modules as one process: one HTTP listener, one way to start, one way to leave.
 *
 * The listener opens first, so that health answers; requests wait until every module has started. It stops in this order:
 * not ready and `Connection: close` → notice → listener → `leave()` → requests in flight → `drain()` → `close()` → what the
 * caller had put into `lifecycle`. Rejects, with everything closed again, where the port is taken or a module does not start.
 */
export async function runModules(options: RunOptions): Promise<RunningProcess> {
  const { modules, port, hostname, log, registry, lifecycle, tracing, signals = true } = options
  const phase: { started: boolean; leaving: boolean } = { started: false, leaving: false }
  const begun = Promise.withResolvers<void>()
  nodeMetrics(registry)
  const state = { leaving: () => phase.leaving, started: () => phase.started, whenStarted: () => begun.promise }
  const app = createHttpApp({ modules, registry, log, tracing, ...state })
  const server = await serveHttp({ app, port, hostname, log }).catch((error) => abandon(lifecycle, error))

  const leave = async (): Promise<void> => {
    phase.leaving = true
    server.leave()
    const noticeMs = phase.started ? (options.drainNoticeMs ?? 0) : 0
    log.info({ noticeMs }, 'leaving')
    await new Promise((resolve) => setTimeout(resolve, noticeMs))
    const stopped = server.stop(REQUESTS_DEADLINE_MS)
    // After the listener has closed: whoever comes back at once finds another instance.
    for (const module of modules) module.leave?.()
    await stopped
    await lifecycle.stop()
    log.info('stopped')
  }
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= leave()
    return stopping
  }

  if (signals) lifecycle.defer('signals', handleSignals({ stop, log }))
  try {
    await startAll(modules, lifecycle, state.leaving)
  } catch (error) {
    await server.stop(0)
    return abandon(lifecycle, error)
  }
  const url = `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${server.port}`
  const running = { url, port: server.port, stop }
  if (phase.leaving) {
    await stop()
    return running
  }
  phase.started = true
  begun.resolve()
  log.info({ version: VERSION, url, modules: modules.map(({ name }) => name) }, 'ready')
  return running
}

/** Starts in order, until it is asked to leave; what has started is drained and closed in reverse, all drained before any is closed. */
async function startAll(modules: readonly AppModule[], lifecycle: Lifecycle, leaving: () => boolean): Promise<void> {
  for (const module of modules) lifecycle.defer(`${module.name} close`, () => module.close())
  for (const module of modules) {
    if (module.gate !== undefined) {
      lifecycle.defer(`${module.name} gate`, module.gate.stop)
      await module.gate.wait()
    }
    if (leaving()) return
    lifecycle.defer(`${module.name} drain`, () => module.drain())
    await module.start()
  }
}

/** The first error is the one that matters; what else goes wrong while closing is logged by the lifecycle. */
async function abandon(lifecycle: Lifecycle, error: unknown): Promise<never> {
  await lifecycle.stop().catch(() => undefined)
  throw error
}
