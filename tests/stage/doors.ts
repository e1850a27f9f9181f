import { createHttpApp } from '@fluxo/shared/http/app'
import type { AppModule } from '@fluxo/shared/http/module'
import { serveHttp } from '@fluxo/shared/http/server'
import { createLogger, type Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import { Registry as NewRegistry } from 'prom-client'
import { merchantBearer } from './tokens.ts'

/** Nobody reads the lines of services that live in a test's own process. */
export const SILENT = createLogger({ service: 'teste', level: 'silent' })

/** Asks as a merchant. */
export type Ask = (path: string, init?: RequestInit & { duplex?: 'half' }) => Promise<Response>

/** Routes with nothing behind them that starts or leaves. */
export const onlyRoutes = (name: string, routes: AppModule['routes']): AppModule => {
  const nothing = async (): Promise<void> => {}
  return { name, routes, checks: [], start: nothing, drain: nothing, close: nothing }
}

type DoorsOptions = { registry?: Registry | undefined; log?: Logger | undefined }

/** The HTTP application of a process, around one module and over a real server. The module is started and closed by the caller. */
export const openDoors = async (
  module: AppModule,
  { registry = new NewRegistry(), log = SILENT }: DoorsOptions = {},
) => {
  const app = createHttpApp({ modules: [module], registry, log, leaving: () => false, started: () => true })
  const server = await serveHttp({ app, port: 0, hostname: '127.0.0.1', log })
  const url = `http://127.0.0.1:${server.port}`
  const askAs = async (comercianteId: string, scopes?: readonly string[]): Promise<Ask> => {
    const authorization = await merchantBearer(comercianteId, { scopes })
    return (path, init = {}) =>
      fetch(url + path, { ...init, headers: { ...Object.fromEntries(new Headers(init.headers)), authorization } })
  }
  return {
    app,
    url,
    /** Asks with a merchant's token: with every scope, where none is named. */
    askAs,
    stop: server.stop,
  }
}

/** The options of a POST of a JSON text or value. */
export const json = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
