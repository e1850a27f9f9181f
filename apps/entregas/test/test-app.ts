import { migrate } from '@fluxo/drizzle/migrate'
import { createHttpApp } from '@fluxo/shared/http/app'
import { createVerifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { serveHttp } from '@fluxo/shared/http/server'
import { signToken } from '@fluxo/shared/http/tokens'
import { createNewId } from '@fluxo/shared/id'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { createDatabase } from '@fluxo/tests/stage/databases'
import { OpenAPIHono } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { WRITE_SETTINGS } from '../src/app.ts'
import { createImportarRoutes } from '../src/importar/route.ts'
import { createInformarRoutes } from '../src/informar/route.ts'
import { createListarRoutes } from '../src/listar/route.ts'
import { createPedidoReadStore, READ_SETTINGS } from '../src/listar/store.ts'
import { createMoverRoutes } from '../src/mover/route.ts'
import { createPedidoStore } from '../src/mover/store.ts'
import { createReceberRoutes } from '../src/receber/route.ts'

const SECRET = 'segredo-de-teste-com-mais-de-32-bytes'
const SCOPES = ['entregas:escrever', 'entregas:ler']

type Ask = (path: string, init?: RequestInit) => Promise<Response>

/**
 * The HTTP doors of entregas over a real server, a real database of its own and the real store; no relay and no flow.
 * `askAs(comerciante)` asks with that merchant's token.
 */
export async function createTestApp({ particoes = 1 }: { particoes?: number } = {}) {
  const database = await createDatabase({
    role: 'entregas',
    migrate: (url) => migrate({ database: 'entregas', url, particoes }),
  })
  const sql = createSql({ url: database.appUrl, max: 6, name: 'teste', settings: WRITE_SETTINGS })
  const store = createPedidoStore({ sql, particoes, onCommit: () => {} })
  const readPool = createSql({ url: database.appUrl, max: 4, name: 'teste leitura', settings: READ_SETTINGS })
  const reads = createPedidoReadStore(readPool)
  const verifier = createVerifier({ secret: SECRET })
  const clock = { now: new Date('2025-10-15T12:34:56.789Z') }
  const edge = {
    store,
    reads,
    verifier,
    newId: createNewId(),
    now: () => clock.now,
    cursorSecret: SECRET,
  }
  const routes = new OpenAPIHono<AppEnv>()
  for (const create of [
    createReceberRoutes,
    createMoverRoutes,
    createInformarRoutes,
    createListarRoutes,
    createImportarRoutes,
  ]) {
    routes.route('/', create(edge))
  }
  const log = createLogger({ service: 'teste', level: 'silent' })
  const nothing = async (): Promise<void> => {}
  const app = createHttpApp({
    modules: [{ name: 'entregas', routes, checks: [], start: nothing, drain: nothing, close: nothing }],
    registry: new Registry(),
    log,
    leaving: () => false,
    started: () => true,
  })
  const server = await serveHttp({ app, port: 0, hostname: '127.0.0.1', log })
  const url = `http://127.0.0.1:${server.port}`

  const askAs = async (comercianteId: string, scopes: readonly string[] = SCOPES): Promise<Ask> => {
    const token = await signToken({ secret: SECRET, comercianteId, scopes, expiresInSeconds: 600 })
    return (path, init = {}) =>
      fetch(url + path, {
        ...init,
        headers: { ...Object.fromEntries(new Headers(init.headers)), authorization: `Bearer ${token}` },
      })
  }

  return {
    sql,
    store,
    reads,
    clock,
    askAs,
    ownerUrl: database.ownerUrl,
    close: async () => {
      await server.stop(1_000)
      await Promise.all([closeSql(sql), closeSql(readPool)])
      await database.drop()
    },
  }
}

export type EntregasTestApp = Awaited<ReturnType<typeof createTestApp>>

/** The options of a POST of a JSON text or value. */
export const json = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

/** An order as the answers show it. */
export type PedidoAnswer = {
  id: string
  status: string
  version: number
  customer_name: string
  address: string
  created_at: string
}
