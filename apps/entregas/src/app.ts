import { migrationsOf } from '@fluxo/drizzle/journal'
import { createLive } from '@fluxo/shared/live/live'
import { createStreamSlots } from '@fluxo/shared/live/slots'
import { createReadPage } from '@fluxo/shared/log/pages'
import { defineService, type OwnLog, type ServiceContext } from '@fluxo/shared/process/define-service'
import { needsPostgres } from '@fluxo/shared/process/open-service'
import { pedidoOf } from './acompanhar/acompanhar.ts'
import { createAcompanharRoutes } from './acompanhar/route.ts'
import { COMERCIANTE_SLOTS, PAGE_SLOTS } from './acompanhar/slots.ts'
import { createAcompanharStore } from './acompanhar/store.ts'
import { readLiveEvent } from './acompanhar/told-event.ts'
import { STREAM_PREFIX } from './domain/evento.ts'
import type { FluxoOptions } from './fluir/fluir.ts'
import { FLUXO_GROUP, fluxoGroup } from './fluir/group.ts'
import { exportFlowMetrics } from './fluir/metrics.ts'
import { FLUXO_ENV, fluxoOptions } from './fluir/settings.ts'
import { createStepWorker } from './fluir/step-worker.ts'
import { createImportarRoutes } from './importar/route.ts'
import { createInformarRoutes } from './informar/route.ts'
import { createListarRoutes } from './listar/route.ts'
import { createPedidoReadStore, type PedidoReadStore, READ_SETTINGS } from './listar/store.ts'
import { EVENTOS } from './mover/evento-table.ts'
import { createMoverRoutes } from './mover/route.ts'
import { createPedidoStore } from './mover/store.ts'
import { createPageLimit } from './rastrear/limit.ts'
import { createRastrearRoutes } from './rastrear/route.ts'
import { createRastreioStore } from './rastrear/store.ts'
import { createReceberRoutes } from './receber/route.ts'

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
/** Two group commits in the air (orders, changes), and imports beside them. */
const WRITES = { name: 'entregas', max: 4, settings: WRITE_SETTINGS }
const READS = { name: 'entregas leitura', max: 4, settings: READ_SETTINGS }
/**
 * The flow's inbox, its repair and its claims. What the flow notes need not be on disk before it goes on: plan and mark are one
 * commit, and a claim that is lost is made again. A PostgreSQL that crashes forgets both together, and repair reads the log from the
 * older mark.
 */
const FLOW = { name: 'entregas fluxo', max: 3, settings: { ...WRITE_SETTINGS, synchronous_commit: 'off' } }

type EntregasSettings = { fluxo: FluxoOptions }

/** The service `entregas`: orders on their way to the customer, their events, and the automatic flow. */
export const entregas = defineService({
  name: 'entregas',
  port: 3003,
  env: FLUXO_ENV,
  settings: (env): EntregasSettings => ({ fluxo: fluxoOptions(env) }),
  /** The relay's loops, the feed's pages, what the streams compare, and what Prometheus asks. */
  pool: { name: 'entregas log', max: 3 },
  migrations: migrationsOf('entregas'),
  log: {
    name: 'pedidos',
    streamPrefix: STREAM_PREFIX,
    readPage: (sql) => createReadPage(sql, EVENTOS),
    relay: 'relay entregas',
    feed: { path: '/entregas/eventos', operationId: 'listarEventosDosPedidos' },
    readers: [FLUXO_GROUP, 'avisos', 'lancamentos'],
    commits: { metric: 'fluxo_pedidos_group_commit', what: 'Orders and changes' },
  },
  open: (ctx, log) => {
    const readPool = ctx.pool(READS)
    const store = log.writes(createPedidoStore({ sql: ctx.pool(WRITES), particoes: log.particoes, ...log.commits }))
    const parts = { ...ctx, store, reads: createPedidoReadStore(readPool) }
    const flow = openFlow(parts, log)
    const live = openLive(parts, log)
    const { audience } = live
    return {
      checks: [needsPostgres('entregas', ctx.sql, readPool)],
      followers: [flow.follower],
      routes: [
        createReceberRoutes(parts),
        createImportarRoutes(parts),
        createMoverRoutes(parts),
        createInformarRoutes(parts),
        createListarRoutes(parts),
        createAcompanharRoutes({ ...parts, audience, slots: createStreamSlots(COMERCIANTE_SLOTS) }),
        createRastrearRoutes({
          ...parts,
          audience,
          slots: createStreamSlots(PAGE_SLOTS),
          rastreios: createRastreioStore({ sql: ctx.sql, readPool }),
          pageLimit: createPageLimit({ redis: ctx.redis.cache, registry: ctx.registry }),
        }),
      ],
      workers: [...flow.workers, live],
    }
  },
})

type EntregasParts = ServiceContext<EntregasSettings> & {
  store: ReturnType<typeof createPedidoStore>
  reads: PedidoReadStore
}

/** The live streams of orders, for merchants and for the public pages. */
const openLive = (parts: EntregasParts, { streamPrefix, particoes }: OwnLog) =>
  createLive({
    ...parts,
    ...{ streamPrefix, particoes, topicOf: pedidoOf, read: readLiveEvent },
    source: createAcompanharStore(parts.sql, parts.reads),
    metric: 'fluxo_acompanhar_ouvintes',
  })

/** The automatic flow: notes the step that follows from each event, and takes those that are due. */
function openFlow(parts: EntregasParts, log: OwnLog) {
  const { fluxo } = parts.settings
  const sql = parts.pool(FLOW)
  exportFlowMetrics(parts)
  const stepWorker = createStepWorker({ ...parts, sql, particoes: log.particoes })
  const follower = parts.follow(
    {
      ...fluxoGroup(fluxo),
      log,
      committed: ({ particao, applied }) => (applied > 0 ? stepWorker.wake(particao) : undefined),
    },
    { sql, lease: { name: 'reparo entregas' } },
  )
  return { follower, workers: fluxo.automatic ? [stepWorker] : [] }
}
