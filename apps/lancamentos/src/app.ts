import { migrationsOf } from '@fluxo/drizzle/journal'
import { createFeedRoutes } from '@fluxo/shared/feed/route'
import type { Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import type { AppModule } from '@fluxo/shared/http/module'
import { createNewId } from '@fluxo/shared/id'
import { createReadPage, readHead } from '@fluxo/shared/log/pages'
import { createRelay, type Relay } from '@fluxo/shared/log/relay'
import { createLease } from '@fluxo/shared/postgres/lease'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import { exportPostgresMetrics } from '@fluxo/shared/postgres/metrics'
import { createSchemaGate } from '@fluxo/shared/postgres/schema-gate'
import { closeSql, createSql, ping, type Sql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { exportRedisMetrics } from '@fluxo/shared/redis/metrics'
import { createPublisher } from '@fluxo/shared/stream/publisher'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { counter, gauge, histogram, type Registry } from '@fluxo/shared/telemetry/metrics'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import { OpenAPIHono } from '@hono/zod-openapi'
import { STREAM_PREFIX } from './domain/evento.ts'
import { createEstornarRoutes } from './estornar/route.ts'
import { createImportarRoutes } from './importar/route.ts'
import { createEntregasFollower, type PedidosOptions } from './lancar-entregas/follow.ts'
import { createListarRoutes } from './listar/route.ts'
import { createLancamentoReadStore, READ_SETTINGS } from './listar/store.ts'
import { createLoteRoutes } from './lote/route.ts'
import { LEDGER } from './registrar/ledger-table.ts'
import { createRegistrarRoutes } from './registrar/route.ts'
import { createLancamentoStore } from './registrar/store.ts'

type LancamentosDeps = {
  /** URL of the service's own role on the database `lancamentos`. */
  databaseUrl: string
  redis: RedisConnections
  verifier: Verifier
  limits?: Limits | undefined
  /** Signs page cursors. */
  cursorSecret: string
  /** As `readLogState` gives it. */
  particoes: number
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  /** Where orders are delivered, whose money becomes entries; absent where nobody delivers. */
  pedidos?: PedidosOptions | undefined
  /** Prefix of the streams; another one only in tests. */
  streamPrefix?: string
  now?: () => Date
}

/** Two group commits in the air, batches and imports beside them; PostgreSQL serialises them by the counter anyway. */
const WRITE_CONNECTIONS = 6
const READ_CONNECTIONS = 4
/** The relay's loops, the feed's pages, and what Prometheus asks. */
const LOG_CONNECTIONS = 3
const TRANSACTION_CONNECTIONS = 2
/** Where the log is read. */
const FEED = { path: '/eventos', operationId: 'listarEventosDosLancamentos' }

/**
 * The write pool never wants a sequential scan: a plan made while the ledger was empty would be kept and read all of it
 * for every row later.
 */
const WRITE_SETTINGS = { enable_seqscan: 'off', plan_cache_mode: 'force_generic_plan' }

/** The service `lancamentos`: the ledger, its relay to Redis, and its feed. */
export const createLancamentos = (deps: LancamentosDeps): AppModule => {
  const { databaseUrl, redis, verifier, limits, particoes, log, registry, tracing } = deps
  const { now = () => new Date(), streamPrefix = STREAM_PREFIX } = deps
  const writes = createSql({ url: databaseUrl, max: WRITE_CONNECTIONS, name: 'lancamentos', settings: WRITE_SETTINGS })
  const logReads = createSql({ url: databaseUrl, max: LOG_CONNECTIONS, name: 'lancamentos log' })
  const reads = createSql({
    url: databaseUrl,
    max: READ_CONNECTIONS,
    name: 'lancamentos leitura',
    settings: READ_SETTINGS,
  })
  const transactions = createTransactions({
    url: databaseUrl,
    max: TRANSACTION_CONNECTIONS,
    name: 'lancamentos lote',
    settings: WRITE_SETTINGS,
  })

  const readPage = createReadPage(logReads, LEDGER)
  const relay: Relay = createRelay({
    name: 'lancamentos',
    sql: logReads,
    particoes,
    readPage,
    publisher: createPublisher({ redis: redis.commands, prefix: streamPrefix }),
    lease: (particao) => createLease({ url: databaseUrl, key: [LOCKS.relay, particao], name: 'relay', log }),
    log,
    registry,
    tracing,
  })
  const groupCommit = groupCommitMetrics(registry)
  const store = createLancamentoStore({
    sql: writes,
    transactions,
    particoes,
    tracing,
    onCommit: relay.wake,
    onBatch: (rows) => groupCommit.rows.observe(rows),
    onRefused: () => groupCommit.refused.inc(),
  })
  exportMetrics({ registry, redis, sql: logReads, depth: store.depth })

  const readStore = createLancamentoReadStore(reads)
  const edge = { store, leitura: readStore, verifier, limits, newId: createNewId(), now }
  const { pedidos } = deps
  const entregasFollower = pedidos && createEntregasFollower({ ...deps, ...edge, pedidos, sql: writes })
  const routes = new OpenAPIHono<AppEnv>()
  routes.route('/', createRegistrarRoutes(edge))
  routes.route('/', createLoteRoutes(edge))
  routes.route('/', createImportarRoutes(edge))
  routes.route('/', createListarRoutes({ leitura: readStore, verifier, limits, cursorSecret: deps.cursorSecret }))
  routes.route('/', createEstornarRoutes(edge))
  routes.route(
    '/',
    createFeedRoutes({ ...FEED, readPage, readHead: (p) => readHead(logReads, p), particoes, verifier }),
  )

  return {
    name: 'lancamentos',
    gate: createSchemaGate({ database: 'lancamentos', migrations: migrationsOf('lancamentos'), sql: logReads, log }),
    routes,
    checks: [
      { name: 'postgres-lancamentos', required: true, check: () => ping(logReads, reads) },
      { name: 'redis', required: false, check: async () => void (await redis.commands.ping()) },
    ],
    start: async () => {
      relay.start()
      await entregasFollower?.prepare()
      entregasFollower?.start()
    },
    drain: async () => {
      await entregasFollower?.stop()
      await store.idle()
      await relay.stop()
    },
    close: async () => {
      entregasFollower?.close()
      await Promise.all([closeSql(writes), closeSql(reads), closeSql(logReads), transactions.close()])
    },
  }
}

const groupCommitMetrics = (registry: Registry) => ({
  rows: histogram(registry, {
    name: 'fluxo_group_commit_rows',
    help: 'Entries of one group commit.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
  }),
  refused: counter(registry, {
    name: 'fluxo_group_commit_refused_total',
    help: 'Entries turned away with 503 because too many waited.',
  }),
})

type LedgerMetricsDeps = { registry: Registry; redis: RedisConnections; sql: Sql; depth: () => number }

/** What is looked at when Prometheus asks: the queue, the pools, PostgreSQL and Redis themselves. */
const exportMetrics = ({ registry, redis, sql, depth }: LedgerMetricsDeps): void => {
  gauge(registry, {
    name: 'fluxo_group_commit_queue',
    help: 'Entries that wait for a group commit.',
    collect() {
      this.set(depth())
    },
  })
  exportRedisMetrics({ registry, redis: redis.commands })
  const pools = {
    lancamentos: WRITE_CONNECTIONS,
    'lancamentos leitura': READ_CONNECTIONS,
    'lancamentos log': LOG_CONNECTIONS,
    'lancamentos lote': TRANSACTION_CONNECTIONS,
  }
  exportPostgresMetrics({ registry, database: 'lancamentos', sql, pools })
}
