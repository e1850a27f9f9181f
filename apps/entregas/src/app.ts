import { migrationsOf } from '@fluxo/drizzle/journal'
import { createFeedRoutes } from '@fluxo/shared/feed/route'
import { createFollower, type Timings } from '@fluxo/shared/follow/follower'
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
import { closeSql, createSql, ping } from '@fluxo/shared/postgres/sql'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { exportRedisMetrics } from '@fluxo/shared/redis/metrics'
import { createJanitor } from '@fluxo/shared/stream/janitor'
import { createPublisher } from '@fluxo/shared/stream/publisher'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { AvisosOptions } from './avisar/avisos.ts'
import { AVISOS_GROUP } from './avisar/group.ts'
import { STREAM_PREFIX } from './domain/evento.ts'
import type { FluxoOptions } from './fluir/fluir.ts'
import { FLUXO_GROUP, fluxoGroup } from './fluir/group.ts'
import { createStepWorker } from './fluir/step-worker.ts'
import { createImportarRoutes } from './importar/route.ts'
import { createInformarRoutes } from './informar/route.ts'
import { createListarRoutes } from './listar/route.ts'
import { createPedidoReadStore, READ_SETTINGS } from './listar/store.ts'
import { exportMetrics, groupCommitMetrics } from './metrics.ts'
import { EVENTOS } from './mover/evento-table.ts'
import { feedOfLog } from './mover/log-feed.ts'
import { createMoverRoutes } from './mover/route.ts'
import { createPedidoStore } from './mover/store.ts'
import { AVISOS_POOL, createOutbound } from './outbound.ts'
import { createReceberRoutes } from './receber/route.ts'

type EntregasDeps = {
  /** URL of the service's own role on the database `entregas`. */
  databaseUrl: string
  redis: RedisConnections
  verifier: Verifier
  limits?: Limits | undefined
  /** Signs page cursors. */
  cursorSecret: string
  /** As `readLogState` gives it. */
  particoes: number
  /** Name of this instance in the consumer group; a stable one finds its own pending entries after a restart. */
  instance: string
  fluxo: FluxoOptions
  /** Where webhooks may go; by default to public addresses only. */
  avisos?: AvisosOptions
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  /** Other groups that read the orders' streams: nothing is trimmed before they have it. */
  otherGroups?: readonly string[]
  /** For tests: other names in Redis, other waits. */
  streamPrefix?: string | undefined
  timings?: Partial<Timings> | undefined
  now?: () => Date
}

/** Two group commits in the air (orders, changes), and imports beside them. */
const WRITE_CONNECTIONS = 4
const READ_CONNECTIONS = 4
/** The relay's loops, the feed's pages, what the streams compare, and what Prometheus asks. */
const LOG_CONNECTIONS = 3
/** The flow's inbox, its repair and its claims. */
const FLOW_CONNECTIONS = 3

/**
 * A plan made while the tables were empty is kept: it must find an order by its key and never read all of them, so it may
 * neither scan nor hash nor merge whole tables.
 */
export const WRITE_SETTINGS = {
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  plan_cache_mode: 'force_generic_plan',
}

/**
 * What the flow notes need not be on disk before it goes on: plan and mark are one commit, and a claim that is lost is made
 * again. A PostgreSQL that crashes forgets both together, and repair reads the log from the older mark.
 */
const FLOW_SETTINGS = { ...WRITE_SETTINGS, synchronous_commit: 'off' }

/** The pools by their names, and how many connections each has. */
const POOL_SIZES = {
  entregas: WRITE_CONNECTIONS,
  'entregas leitura': READ_CONNECTIONS,
  'entregas log': LOG_CONNECTIONS,
  'entregas fluxo': FLOW_CONNECTIONS,
  [AVISOS_POOL.name]: AVISOS_POOL.max,
}

function openPools(url: string) {
  const open = (name: string, max: number, settings: Readonly<Record<string, string>> = {}) =>
    createSql({ url, max, name, settings })
  const writes = open('entregas', WRITE_CONNECTIONS, WRITE_SETTINGS)
  const readPool = open('entregas leitura', READ_CONNECTIONS, READ_SETTINGS)
  const logReads = open('entregas log', LOG_CONNECTIONS)
  const flow = open('entregas fluxo', FLOW_CONNECTIONS, FLOW_SETTINGS)
  const close = async (): Promise<void> => void (await Promise.all([writes, readPool, logReads, flow].map(closeSql)))
  return { writes, readPool, logReads, flow, close }
}

/** The service `entregas`: orders on their way to the customer, their events, and the automatic flow. */
export const createEntregas = (deps: EntregasDeps): AppModule => {
  const { databaseUrl, redis, verifier, limits, particoes, log, registry, tracing, fluxo } = deps
  const { now = () => new Date(), streamPrefix = STREAM_PREFIX } = deps
  const pools = openPools(databaseUrl)
  const { writes, readPool, logReads, flow } = pools

  const readPage = createReadPage(logReads, EVENTOS)
  const head = (particao: number) => readHead(logReads, particao)
  const pedidos = { streamPrefix, particoes, feed: feedOfLog({ readPage, readHead: head }) }
  const relay: Relay = createRelay({
    ...deps,
    name: 'pedidos',
    sql: logReads,
    readPage,
    publisher: createPublisher({ redis: redis.commands, prefix: streamPrefix }),
    lease: (particao) => createLease({ url: databaseUrl, key: [LOCKS.relay, particao], name: 'relay entregas', log }),
  })
  const commits = { onCommit: relay.wake, ...groupCommitMetrics(registry), tracing }
  const store = createPedidoStore({ sql: writes, particoes, ...commits })
  const reads = createPedidoReadStore(readPool)
  const edge = { store, reads, verifier, limits, newId: createNewId(), now }
  const stepWorker = createStepWorker({ ...edge, sql: flow, particoes, log, registry, tracing })
  const follower = createFollower(
    {
      ...fluxoGroup(fluxo),
      log: pedidos,
      committed: ({ particao, applied }) => (applied > 0 ? stepWorker.wake(particao) : undefined),
    },
    {
      ...deps,
      sql: flow,
      lease: createLease({ url: databaseUrl, key: [LOCKS.repair, 0], name: 'reparo entregas', log }),
    },
  )
  const outbound = createOutbound({ ...deps, ...edge, pedidos, logReads, readPool, settings: WRITE_SETTINGS })
  const groups = [FLUXO_GROUP, AVISOS_GROUP, ...(deps.otherGroups ?? [])]
  const janitor = createJanitor({ redis: redis.commands, prefix: streamPrefix, particoes, groups, log, registry })
  exportMetrics({ registry, sql: logReads, depth: store.depth })
  exportRedisMetrics({ registry, redis: redis.commands })
  exportPostgresMetrics({ registry, database: 'entregas', sql: logReads, pools: POOL_SIZES })

  const routes = new OpenAPIHono<AppEnv>()
  routes.route('/', createReceberRoutes(edge))
  routes.route('/', createImportarRoutes(edge))
  routes.route('/', createMoverRoutes(edge))
  routes.route('/', createInformarRoutes(edge))
  routes.route('/', createListarRoutes({ reads, verifier, limits, cursorSecret: deps.cursorSecret }))
  routes.route('/', outbound.routes)
  const feed = { path: '/entregas/eventos', operationId: 'listarEventosDosPedidos' }
  routes.route('/', createFeedRoutes({ ...feed, readPage, readHead: head, particoes, verifier }))

  return {
    name: 'entregas',
    gate: createSchemaGate({ database: 'entregas', migrations: migrationsOf('entregas'), sql: logReads, log }),
    routes,
    checks: [
      { name: 'postgres-entregas', required: true, check: () => ping(logReads, readPool) },
      { name: 'redis', required: false, check: async () => void (await redis.commands.ping()) },
    ],
    start: async () => {
      await follower.prepare()
      relay.start()
      follower.start()
      await outbound.start()
      janitor.start()
      if (fluxo.automatic) stepWorker.start()
    },
    leave: outbound.leave,
    drain: async () => {
      await Promise.all([follower.stop(), outbound.stop(), stepWorker.stop(), janitor.stop()])
      await store.idle()
      await relay.stop()
    },
    close: async () => {
      await Promise.all([pools.close(), outbound.close()])
    },
  }
}
