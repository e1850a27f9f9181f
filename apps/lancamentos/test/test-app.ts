import { createHttpApp } from '@fluxo/shared/http/app'
import { createVerifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { serveHttp } from '@fluxo/shared/http/server'
import { signToken } from '@fluxo/shared/http/tokens'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { createServiceDatabase } from '@fluxo/tests/stage/databases'
import { OpenAPIHono } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { v7 } from 'uuid'
import { createEstornarRoutes } from '../src/estornar/route.ts'
import { createImportarRoutes } from '../src/importar/route.ts'
import { createListarRoutes } from '../src/listar/route.ts'
import { createLancamentoReadStore, READ_SETTINGS } from '../src/listar/store.ts'
import { createLoteRoutes } from '../src/lote/route.ts'
import { createRegistrarRoutes } from '../src/registrar/route.ts'
import { createLancamentoStore } from '../src/registrar/store.ts'

const SECRET = 'segredo-de-teste-com-mais-de-32-bytes'

const SCOPES = ['lancamentos:escrever', 'lancamentos:ler']

/** Time that a test may turn. */
type LedgerTestClock = { now: Date }

type AskLedger = (path: string, init?: RequestInit & { duplex?: 'half' }) => Promise<Response>

type TestAppOptions = { particoes?: number; stalledMaxMs?: number }

/**
 * The ledger's HTTP doors over a real server, a real database of its own and the real ledger store; no relay.
 * `askAs(comerciante)` asks with that merchant's token.
 */
export async function createLedgerTestApp({ particoes = 1, stalledMaxMs }: TestAppOptions = {}) {
  const database = await createServiceDatabase('lancamentos', { particoes })
  const sql = createSql({ url: database.appUrl, max: 6, name: 'teste' })
  const transactions = createTransactions({ url: database.appUrl, max: 2, name: 'teste lote' })
  const store = createLancamentoStore({ sql, transactions, particoes, onCommit: () => {} })
  const reads = createSql({ url: database.appUrl, max: 4, name: 'teste leitura', settings: READ_SETTINGS })
  const readStore = createLancamentoReadStore(reads)
  const verifier = createVerifier({ secret: SECRET })
  const clock: LedgerTestClock = { now: new Date('2025-10-15T12:34:56.789Z') }
  const edge = {
    stalledMaxMs,
    store,
    leitura: readStore,
    verifier,
    newId: () => v7(),
    now: () => clock.now,
    cursorSecret: SECRET,
  }

  const routes = new OpenAPIHono<AppEnv>()
  for (const create of [
    createRegistrarRoutes,
    createListarRoutes,
    createEstornarRoutes,
    createLoteRoutes,
    createImportarRoutes,
  ]) {
    routes.route('/', create(edge))
  }
  const log = createLogger({ service: 'teste', level: 'silent' })
  const nothing = async (): Promise<void> => {}
  const app = createHttpApp({
    modules: [{ name: 'lancamentos', routes, checks: [], start: nothing, drain: nothing, close: nothing }],
    registry: new Registry(),
    log,
    leaving: () => false,
    started: () => true,
  })
  const server = await serveHttp({ app, port: 0, hostname: '127.0.0.1', log })
  const url = `http://127.0.0.1:${server.port}`

  /** The `Authorization` header of a merchant. */
  const authorizationOf = async (comercianteId: string, scopes: readonly string[] = SCOPES): Promise<string> =>
    `Bearer ${await signToken({ secret: SECRET, comercianteId, scopes, expiresInSeconds: 600 })}`

  const askAs = async (comercianteId: string, scopes?: readonly string[]): Promise<AskLedger> => {
    const authorization = await authorizationOf(comercianteId, scopes)
    return (path, init = {}) =>
      fetch(url + path, {
        ...init,
        headers: { ...Object.fromEntries(new Headers(init.headers)), authorization },
      })
  }

  return {
    sql,
    reads,
    databaseUrl: database.appUrl,
    url,
    app,
    store,
    clock,
    askAs,
    authorizationOf,
    close: async () => {
      await server.stop(1_000)
      await Promise.all([closeSql(sql), closeSql(reads), transactions.close()])
      await database.drop()
    },
  }
}

export type LedgerTestApp = Awaited<ReturnType<typeof createLedgerTestApp>>

/** The options of a POST of a JSON text or value. */
export const json = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
