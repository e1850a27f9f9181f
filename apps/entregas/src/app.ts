import { migrationsOf } from '@fluxo/drizzle/journal'
import { createFollower, type Timings } from '@fluxo/shared/follow/follower'
import type { Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { createFeedRoutes } from '@fluxo/shared/http/feed'
import { createNovoId } from '@fluxo/shared/id'
import { createReadPage, readHead } from '@fluxo/shared/log/feed'
import { createRelay, type Relay } from '@fluxo/shared/log/relay'
import { createLease } from '@fluxo/shared/postgres/lease'
import { exportPostgresMetrics } from '@fluxo/shared/postgres/metrics'
import { createSchemaGate } from '@fluxo/shared/postgres/schema-gate'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import type { AppModule } from '@fluxo/shared/process/module'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { exportRedisMetrics } from '@fluxo/shared/redis/metrics'
import { createJanitor } from '@fluxo/shared/stream/janitor'
import { createPublisher } from '@fluxo/shared/stream/publisher'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { AvisosOptions } from './avisar/avisos.ts'
import { GRUPO_DE_AVISOS } from './avisar/grupo.ts'
import { STREAM_PREFIX } from './domain/evento.ts'
import { createAndador } from './fluir/andar.ts'
import type { FluxoOptions } from './fluir/fluir.ts'
import { GRUPO, grupoDoFluxo } from './fluir/grupo.ts'
import { createImportarRoutes } from './importar/route.ts'
import { createInformarRoutes } from './informar/route.ts'
import { createListarRoutes } from './listar/route.ts'
import { createLeituraStore, LEITURA_SETTINGS } from './listar/store.ts'
import { exportarMetricas, groupCommitMetrics } from './metricas.ts'
import { EVENTOS } from './mover/evento-table.ts'
import { feedDoLog } from './mover/feed-do-log.ts'
import { createMoverRoutes } from './mover/route.ts'
import { createPedidoStore } from './mover/store.ts'
import { createReceberRoutes } from './receber/route.ts'
import { createSaida, POOL_DE_AVISOS } from './saida.ts'

type EntregasDeps = {
  /** URL of the service's own role on the database `entregas`. */
  databaseUrl: string
  redis: RedisConnections
  verifier: Verifier
  limites?: Limites | undefined
  /** Signs page cursors. */
  cursorSecret: string
  /** As `readLogState` gives it. */
  particoes: number
  /** Name of this instance in the consumer group; a stable one finds its own pending entries after a restart. */
  instancia: string
  fluxo: FluxoOptions
  /** Where webhooks may go; by default to public addresses only. */
  avisos?: AvisosOptions
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  /** Other groups that read the orders' streams: nothing is trimmed before they have it. */
  outrosGrupos?: readonly string[]
  /** For tests: other names in Redis, other waits. */
  streamPrefix?: string | undefined
  timings?: Partial<Timings> | undefined
  agora?: () => Date
}

/** Two group commits in the air (orders, changes), and imports beside them. */
const WRITE_CONNECTIONS = 4
const READ_CONNECTIONS = 4
/** The relay's loops, the feed's pages, what the streams compare, and what Prometheus asks. */
const LOG_CONNECTIONS = 3
/** The flow's inbox, its repair and its claims. */
const FLOW_CONNECTIONS = 3
/** First keys of the advisory locks of relay and repair; the second is the partition. */
const RELAY_LOCK = 7_264_101
const REPARO_LOCK = [7_264_202, 0] as const

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
const TAMANHOS = {
  entregas: WRITE_CONNECTIONS,
  'entregas leitura': READ_CONNECTIONS,
  'entregas log': LOG_CONNECTIONS,
  'entregas fluxo': FLOW_CONNECTIONS,
  [POOL_DE_AVISOS.name]: POOL_DE_AVISOS.max,
}

function abrirPools(url: string) {
  const abrir = (name: string, max: number, settings: Readonly<Record<string, string>> = {}) =>
    createSql({ url, max, name, settings })
  const writes = abrir('entregas', WRITE_CONNECTIONS, WRITE_SETTINGS)
  const leituras = abrir('entregas leitura', READ_CONNECTIONS, LEITURA_SETTINGS)
  const logReads = abrir('entregas log', LOG_CONNECTIONS)
  const flow = abrir('entregas fluxo', FLOW_CONNECTIONS, FLOW_SETTINGS)
  const close = async (): Promise<void> => void (await Promise.all([writes, leituras, logReads, flow].map(closeSql)))
  return { writes, leituras, logReads, flow, close }
}

/** The service `entregas`: orders on their way to the customer, their events, and the automatic flow. */
export const createEntregas = (deps: EntregasDeps): AppModule => {
  const { databaseUrl, redis, verifier, limites, particoes, log, registry, tracing, fluxo } = deps
  const { agora = () => new Date(), streamPrefix = STREAM_PREFIX } = deps
  const pools = abrirPools(databaseUrl)
  const { writes, leituras, logReads, flow } = pools

  const readPage = createReadPage(logReads, EVENTOS)
  const head = (particao: number) => readHead(logReads, particao)
  const pedidos = { streamPrefix, particoes, feed: feedDoLog({ readPage, readHead: head }) }
  const relay: Relay = createRelay({
    ...deps,
    name: 'pedidos',
    sql: logReads,
    readPage,
    publisher: createPublisher({ redis: redis.commands, prefix: streamPrefix }),
    lease: (particao) => createLease({ url: databaseUrl, key: [RELAY_LOCK, particao], name: 'relay entregas', log }),
  })
  const commits = { onCommit: relay.wake, ...groupCommitMetrics(registry), tracing }
  const store = createPedidoStore({ sql: writes, particoes, ...commits })
  const leitura = createLeituraStore(leituras)
  const edge = { store, leitura, verifier, limites, novoId: createNovoId(), agora }
  const andador = createAndador({ ...edge, sql: flow, particoes, log, registry, tracing })
  const consumo = createFollower(
    {
      ...grupoDoFluxo(fluxo),
      log: pedidos,
      committed: ({ particao, applied }) => (applied > 0 ? andador.wake(particao) : undefined),
    },
    { ...deps, sql: flow, lease: createLease({ url: databaseUrl, key: REPARO_LOCK, name: 'reparo entregas', log }) },
  )
  const saida = createSaida({ ...deps, ...edge, pedidos, logReads, leituras, settings: WRITE_SETTINGS })
  const groups = [GRUPO, GRUPO_DE_AVISOS, ...(deps.outrosGrupos ?? [])]
  const janitor = createJanitor({ redis: redis.commands, prefix: streamPrefix, particoes, groups, log, registry })
  exportarMetricas({ registry, sql: logReads, fila: store.fila })
  exportRedisMetrics({ registry, redis: redis.commands })
  exportPostgresMetrics({ registry, database: 'entregas', sql: logReads, pools: TAMANHOS })

  const routes = new OpenAPIHono<AppEnv>()
  routes.route('/', createReceberRoutes(edge))
  routes.route('/', createImportarRoutes(edge))
  routes.route('/', createMoverRoutes(edge))
  routes.route('/', createInformarRoutes(edge))
  routes.route('/', createListarRoutes({ leitura, verifier, limites, cursorSecret: deps.cursorSecret }))
  routes.route('/', saida.routes)
  const feed = { path: '/entregas/eventos', operationId: 'listarEventosDosPedidos' }
  routes.route('/', createFeedRoutes({ ...feed, readPage, readHead: head, particoes, verifier }))

  return {
    name: 'entregas',
    gate: createSchemaGate({ database: 'entregas', migrations: migrationsOf('entregas'), sql: logReads, log }),
    routes,
    checks: [
      { name: 'postgres-entregas', required: true, check: () => ping(logReads, leituras) },
      { name: 'redis', required: false, check: async () => void (await redis.commands.ping()) },
    ],
    start: async () => {
      await consumo.prepare()
      relay.start()
      consumo.start()
      await saida.start()
      janitor.start()
      if (fluxo.automatico) andador.start()
    },
    leave: saida.leave,
    drain: async () => {
      await Promise.all([consumo.stop(), saida.stop(), andador.stop(), janitor.stop()])
      await store.ociosa()
      await relay.stop()
    },
    close: async () => {
      await Promise.all([pools.close(), saida.close()])
    },
  }
}

const ping = async (...pools: readonly Sql[]): Promise<void> => {
  await Promise.all(pools.map((sql) => sql`select 1`))
}
