// The product's own route over a store that gives every request a transaction of its own: BEGIN, insert with the counter,
// COMMIT. No relay, no group commit; all else (HTTP, validation, statement, indexes, durability) is the product's.
import { createVerifier } from '@fluxo/shared/http/auth'
import { createAppend } from '@fluxo/shared/log/append'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import { createLifecycle } from '@fluxo/shared/process/lifecycle'
import { runModules } from '@fluxo/shared/process/run'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { Registry } from 'prom-client'
import { v7 } from 'uuid'
import { LEDGER, type LedgerRow, rowOf } from '../../apps/lancamentos/src/registrar/ledger-table.ts'
import { registrationOf } from '../../apps/lancamentos/src/registrar/registration.ts'
import { createRegistrarRoutes } from '../../apps/lancamentos/src/registrar/route.ts'
import type { LancamentoStore } from '../../apps/lancamentos/src/registrar/store.ts'

/** The usual size of a pool. More gained nothing here: the counter lets one transaction commit at a time. */
const CONNECTIONS = 10
const STOP_DEADLINE_MS = 10_000
const SETTINGS = { enable_seqscan: 'off', plan_cache_mode: 'force_generic_plan' }

const url = process.env['DATABASE_URL_LANCAMENTOS'] ?? ''
/** `statement`: no BEGIN and COMMIT, each insert is its own transaction; a yardstick that is harder to beat. */
const autocommit = process.env['TRANSACTION'] === 'statement'
const log = createLogger({ service: 'single-transaction', level: process.env['LOG_LEVEL'] ?? 'warn' })
const registry = new Registry()
const pool = { url, max: CONNECTIONS, name: 'single transaction', settings: SETTINGS }
const sql = createSql(pool)
const transactions = createTransactions(pool)
const append = createAppend<LedgerRow>(sql, LEDGER)

const never = () => Promise.reject(new Error('invariant: the yardstick has one route'))
const PARTICAO = 0
const store: LancamentoStore = {
  registrar: async (item) => {
    const rows = [rowOf(item)]
    const [appended] = autocommit
      ? await append(PARTICAO, rows, sql)
      : await transactions.run((tx) => append(PARTICAO, rows, tx))
    if (!appended) throw new Error('invariant: the log answers every row')
    return registrationOf(item, PARTICAO, appended)
  },
  registrarLote: never,
  registrarAtomico: never,
  depth: () => 0,
  idle: async () => {},
}

const routes = createRegistrarRoutes({
  store,
  verifier: createVerifier({ secret: process.env['JWT_SECRET'] }),
  newId: () => v7(),
  now: () => new Date(),
})
await runModules({
  modules: [
    {
      name: 'single-transaction',
      routes,
      checks: [],
      start: async () => {},
      drain: async () => {},
      close: async () => {
        await Promise.all([closeSql(sql), transactions.close()])
      },
    },
  ],
  port: Number(process.env['PORT']),
  hostname: '127.0.0.1',
  log,
  registry,
  lifecycle: createLifecycle({ log, deadlineMs: STOP_DEADLINE_MS }),
})
