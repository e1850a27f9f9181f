import { createFeedClient } from '@fluxo/shared/feed/client'
import { createFollower } from '@fluxo/shared/follow/follower'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import type { Transactions } from '@fluxo/shared/postgres/transactions'
import {
  entregasGroup,
  LANCAMENTOS_GROUP,
  STREAM_DOS_PEDIDOS,
} from '../../../apps/lancamentos/src/lancar-entregas/group.ts'
import { createLancamentoStore } from '../../../apps/lancamentos/src/registrar/store.ts'
import { onePolicy, prepared } from '../books/consolidado.ts'
import type { Process } from '../process.ts'
import { createSimulatedLease, createSimulatedSql } from '../servers/postgres-client.ts'
import { createSimulatedRedis, type SimulatedRedis } from '../servers/redis-client.ts'
import { SILENT } from '../silent.ts'
import { nameOf, PACE, type Servers } from './servers.ts'

/** One instance of the ledger, as far as it follows the orders. */
export type Lancamentos = {
  readonly process: Process
  readonly redis: SimulatedRedis
  cutDatabase: () => void
  stop: () => Promise<void>
}

const FEED_TIMEOUT_MS = 2_000

/** Nobody asks for a batch here. */
const NO_TRANSACTIONS: Transactions = {
  run: () => Promise.reject(new Error('the simulation has no transactions')),
  close: async () => {},
}

/** Starts an instance of `lancamentos` that follows the orders' money. */
export function startLancamentos(servers: Servers, process: Process): Lancamentos {
  const { wire, lancamentos: server, redisServer, feed: ask, seams, registry, now, newId } = servers
  const { particoes } = servers.plan
  const { clock } = process
  const own = createSimulatedRedis({ wire, server: redisServer, process, habits: seams })
  const { sql, cut } = createSimulatedSql({ wire, server, process })
  const shared = { sql, particoes, log: SILENT, registry, clock }
  const store = createLancamentoStore({ ...shared, transactions: NO_TRANSACTIONS, onCommit: () => {} })
  const feed = createFeedClient({
    baseUrl: 'http://entregas',
    token: () => 'token',
    policy: onePolicy(process, FEED_TIMEOUT_MS),
    particoes,
    fetch: (url) => ask(process, url),
  })
  const registrar = seams.registrar?.(store.registrar) ?? store.registrar
  const follower = createFollower(
    {
      ...entregasGroup({ ...shared, store: { registrar }, newId, now }),
      log: { streamPrefix: STREAM_DOS_PEDIDOS, particoes, feed },
    },
    {
      ...shared,
      timings: PACE,
      redis: seams.redis?.(own, LANCAMENTOS_GROUP) ?? own,
      instance: nameOf(servers, process),
      lease: createSimulatedLease({ wire, server, process, key: [LOCKS.repair, 0], name: 'reparo', log: SILENT }),
    },
  )
  let leaving = false
  void prepared(follower.prepare, process).then(() => {
    if (!leaving) follower.start()
  })
  return {
    process,
    redis: own,
    cutDatabase: cut,
    stop: async () => {
      leaving = true
      await follower.stop()
      await store.idle()
      await own.close()
    },
  }
}
