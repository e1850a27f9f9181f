import { createVerifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import { createServiceDatabase } from '@fluxo/tests/stage/databases'
import { onlyRoutes, openDoors } from '@fluxo/tests/stage/doors'
import { merchantBearer, SECRET } from '@fluxo/tests/stage/tokens'
import { OpenAPIHono } from '@hono/zod-openapi'
import { v7 } from 'uuid'
import { createEstornarRoutes } from '../src/estornar/route.ts'
import { createImportarRoutes } from '../src/importar/route.ts'
import { createListarRoutes } from '../src/listar/route.ts'
import { createLancamentoReadStore, READ_SETTINGS } from '../src/listar/store.ts'
import { createLoteRoutes } from '../src/lote/route.ts'
import { createRegistrarRoutes } from '../src/registrar/route.ts'
import { createLancamentoStore } from '../src/registrar/store.ts'

/** Time that a test may turn. */
type LedgerTestClock = { now: Date }

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
  const doors = await openDoors(onlyRoutes('lancamentos', routes))
  return {
    sql,
    reads,
    databaseUrl: database.appUrl,
    ...doors,
    store,
    clock,
    authorizationOf: merchantBearer,
    close: async () => {
      await doors.stop(1_000)
      await Promise.all([closeSql(sql), closeSql(reads), transactions.close()])
      await database.drop()
    },
  }
}

export type LedgerTestApp = Awaited<ReturnType<typeof createLedgerTestApp>>
