import type { FeedClient } from '@fluxo/shared/feed/client'
import { feedOfLog } from '@fluxo/shared/feed/own-log'
import { createFollower } from '@fluxo/shared/follow/follower'
import { createFeedPage, createReadPage, readHead } from '@fluxo/shared/log/pages'
import { createRelay } from '@fluxo/shared/log/relay'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import { createJanitor } from '@fluxo/shared/stream/janitor'
import { createPublisher } from '@fluxo/shared/stream/publisher'
import { STREAM_PREFIX } from '../../../apps/entregas/src/domain/evento.ts'
import { FLUXO_GROUP, fluxoGroup } from '../../../apps/entregas/src/fluir/group.ts'
import { createStepWorker } from '../../../apps/entregas/src/fluir/step-worker.ts'
import { createPedidoReadStore } from '../../../apps/entregas/src/listar/store.ts'
import type { ChangePedidoDeps } from '../../../apps/entregas/src/mover/change-pedido.ts'
import { EVENTOS } from '../../../apps/entregas/src/mover/evento-table.ts'
import { createPedidoStore, type PedidoStore } from '../../../apps/entregas/src/mover/store.ts'
import { prepared } from '../books/consolidado.ts'
import type { Process } from '../process.ts'
import { createSimulatedLease, createSimulatedSql } from '../servers/postgres-client.ts'
import { createSimulatedRedis, type SimulatedRedis } from '../servers/redis-client.ts'
import { SILENT } from '../silent.ts'
import type { OrdersPlan } from './plan.ts'
import { JANITOR, nameOf, PACE, type Servers } from './servers.ts'

/** One instance of entregas: the product's own parts over simulated servers. */
export type Entregas = {
  readonly process: Process
  readonly redis: SimulatedRedis
  receber: PedidoStore['receber']
  /** What a transition and a cancellation need, as the routes have it. */
  readonly mudar: ChangePedidoDeps
  feed: (particao: number, after: number, limit: number) => Promise<string>
  cutDatabase: () => void
  stop: () => Promise<void>
}

const REPAIR_KEY = [LOCKS.repair, 0] as const
export const relayLease = (particao: number): string => `${LOCKS.relay},${particao}`
export const REPAIR_LEASE = REPAIR_KEY.join()
/** Pages of a few events, so that a history has many. */
const PAGE_ROWS_MAX = 5
const RELAY_POLL_MS = 150
const STEP_POLL_MS = 110

/** What an instance of entregas finds around it. */
export type EntregasServers = Pick<
  Servers,
  'wire' | 'entregas' | 'redisServer' | 'feed' | 'pulls' | 'now' | 'newId' | 'seams' | 'readers' | 'registry'
> & {
  plan: Pick<OrdersPlan, 'particoes' | 'delayMs' | 'stableNames'>
}

/** Starts an instance of `entregas`, put together as `app.ts` does. */
export function startEntregas(servers: EntregasServers, process: Process): Entregas {
  const { wire, entregas: server, redisServer, seams, registry, now, newId, pulls } = servers
  const { particoes, delayMs } = servers.plan
  const { clock } = process
  const own = createSimulatedRedis({ wire, server: redisServer, process, habits: seams })
  const redis = seams.redis?.(own, FLUXO_GROUP) ?? own
  const { sql, cut } = createSimulatedSql({ wire, server, process })
  const shared = { sql, particoes, log: SILENT, registry, clock }
  const leaseOf = (key: readonly [number, number], name: string) =>
    createSimulatedLease({ wire, server, process, key, name, log: SILENT })
  const readPage = createReadPage(sql, EVENTOS)
  const head = (particao: number) => readHead(sql, particao)
  const relay = createRelay({
    ...shared,
    name: 'pedidos',
    readPage,
    publisher: createPublisher({ redis: redis.commands, prefix: STREAM_PREFIX }),
    lease: (particao) => leaseOf([LOCKS.relay, particao], `relay ${particao}`),
    pageRowsMax: PAGE_ROWS_MAX,
    pollMs: RELAY_POLL_MS,
  })
  const store = createPedidoStore({ ...shared, onCommit: relay.wake })
  const realReadings = createPedidoReadStore(sql, clock)
  const readings = seams.reads?.(realReadings) ?? realReadings
  const transitions = { store, reads: readings, newId, now }
  const stepWorker = createStepWorker({ ...shared, ...transitions, pollMs: STEP_POLL_MS })
  const feed = feedOfLog({ readPage, readHead: head })
  const pulled: FeedClient = {
    page: async (request) => {
      if (!pulls()) throw new Error('only the stream may bring anything now')
      return feed.page(request)
    },
  }
  const fluxo = createFollower(
    {
      ...fluxoGroup({ automatic: true, delayMs: seams.delayMs ?? delayMs }),
      log: { streamPrefix: STREAM_PREFIX, particoes, feed: pulled },
      committed: ({ particao, applied }) => (applied > 0 ? stepWorker.wake(particao) : undefined),
    },
    { ...shared, timings: PACE, redis, instance: nameOf(servers, process), lease: leaseOf(REPAIR_KEY, 'reparo') },
  )
  const groups = servers.readers
  const janitor = createJanitor({ ...shared, ...JANITOR, redis: redis.commands, prefix: STREAM_PREFIX, groups })
  let leaving = false
  void prepared(fluxo.prepare, process).then(() => {
    if (leaving) return
    for (const one of [relay, fluxo, janitor, stepWorker]) one.start()
  })
  return {
    process,
    redis: own,
    receber: store.receber,
    mudar: transitions,
    feed: createFeedPage({ readPage, readHead: head }),
    cutDatabase: cut,
    stop: async () => {
      leaving = true
      await Promise.all([fluxo.stop(), stepWorker.stop(), janitor.stop()])
      await store.idle()
      await relay.stop()
      await own.close()
    },
  }
}
