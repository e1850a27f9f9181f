import { migrate } from '@fluxo/drizzle/migrate'
import { createHttpApp } from '@fluxo/shared/http/app'
import { createVerifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { serveHttp } from '@fluxo/shared/http/server'
import { signToken } from '@fluxo/shared/http/tokens'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { createDatabase } from '@fluxo/tests/stage/databases'
import { OpenAPIHono } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { v7 } from 'uuid'
import { createEstornarRoutes } from '../src/estornar/route.ts'
import { createImportarRoutes } from '../src/importar/route.ts'
import { createListarRoutes } from '../src/listar/route.ts'
import { createLeituraStore, LEITURA_SETTINGS } from '../src/listar/store.ts'
import { createLoteRoutes } from '../src/lote/route.ts'
import { createRegistrarRoutes } from '../src/registrar/route.ts'
import { createRegistroStore } from '../src/registrar/store.ts'

const SEGREDO = 'segredo-de-teste-com-mais-de-32-bytes'

const ESCOPOS = ['lancamentos:escrever', 'lancamentos:ler']

/** Time that a test may turn. */
type Relogio = { agora: Date }

type Pedir = (caminho: string, init?: RequestInit & { duplex?: 'half' }) => Promise<Response>

type BancadaOptions = { particoes?: number; paradoMaxMs?: number }

/**
 * The ledger's HTTP doors over a real server, a real database of its own and the real ledger store; no relay.
 * `como(comerciante)` asks with that merchant's token.
 */
export async function createBancada({ particoes = 1, paradoMaxMs }: BancadaOptions = {}) {
  const database = await createDatabase({
    role: 'lancamentos',
    migrate: (url) => migrate({ database: 'lancamentos', url, particoes }),
  })
  const sql = createSql({ url: database.appUrl, max: 6, name: 'teste' })
  const transactions = createTransactions({ url: database.appUrl, max: 2, name: 'teste lote' })
  const store = createRegistroStore({ sql, transactions, particoes, onCommit: () => {} })
  const leituras = createSql({ url: database.appUrl, max: 4, name: 'teste leitura', settings: LEITURA_SETTINGS })
  const leitura = createLeituraStore(leituras)
  const verifier = createVerifier({ secret: SEGREDO })
  const relogio: Relogio = { agora: new Date('2025-10-15T12:34:56.789Z') }
  const edge = {
    paradoMaxMs,
    store,
    leitura,
    verifier,
    novoId: () => v7(),
    agora: () => relogio.agora,
    cursorSecret: SEGREDO,
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
  const nada = async (): Promise<void> => {}
  const app = createHttpApp({
    modules: [{ name: 'lancamentos', routes, checks: [], start: nada, drain: nada, close: nada }],
    registry: new Registry(),
    log,
    leaving: () => false,
    started: () => true,
  })
  const server = await serveHttp({ app, port: 0, hostname: '127.0.0.1', log })
  const url = `http://127.0.0.1:${server.port}`

  /** The `Authorization` header of a merchant. */
  const autorizacao = async (comercianteId: string, scopes: readonly string[] = ESCOPOS): Promise<string> =>
    `Bearer ${await signToken({ secret: SEGREDO, comercianteId, scopes, expiresInSeconds: 600 })}`

  const como = async (comercianteId: string, scopes?: readonly string[]): Promise<Pedir> => {
    const authorization = await autorizacao(comercianteId, scopes)
    return (caminho, init = {}) =>
      fetch(url + caminho, {
        ...init,
        headers: { ...Object.fromEntries(new Headers(init.headers)), authorization },
      })
  }

  return {
    sql,
    leituras,
    databaseUrl: database.appUrl,
    url,
    app,
    store,
    relogio,
    como,
    autorizacao,
    fechar: async () => {
      await server.stop(1_000)
      await Promise.all([closeSql(sql), closeSql(leituras), transactions.close()])
      await database.drop()
    },
  }
}

export type Bancada = Awaited<ReturnType<typeof createBancada>>

/** The options of a POST of a JSON text or value. */
export const json = (corpo: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof corpo === 'string' ? corpo : JSON.stringify(corpo),
})
