import { createFeedClient } from '@fluxo/shared/feed/client'
import { createFollower } from '@fluxo/shared/follow/follower'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import type { Circuits } from '../../../apps/avisos/src/avisar/circuits.ts'
import { createWebhookSender } from '../../../apps/avisos/src/avisar/sender.ts'
import { AVISOS_GROUP, PEDIDOS, PEDIDOS_STREAM } from '../../../apps/avisos/src/logs/pedidos.ts'
import { createResumeStore, type ResumeStore } from '../../../apps/avisos/src/retomar/store.ts'
import { CLOSED, onePolicy, prepared } from '../books/consolidado.ts'
import { nameOf, PACE } from '../orders/servers.ts'
import type { Process } from '../process.ts'
import { createSimulatedLease, createSimulatedSql } from '../servers/postgres-client.ts'
import { createSimulatedRedis, type SimulatedRedis } from '../servers/redis-client.ts'
import { SILENT } from '../silent.ts'
import type { Servers } from './servers.ts'

/** One instance of avisos: the product's own parts over simulated servers. */
export type Avisos = {
  readonly process: Process
  readonly redis: SimulatedRedis
  /** Takes a webhook up again, as its route does. */
  resume: ResumeStore['resume']
  cutDatabase: () => void
  stop: () => Promise<void>
}

const FEED_TIMEOUT_MS = 2_000
const SEND_POLL_MS = 190
/** A delivery is tried again soon, and more often than the receivers are unwell. */
const WAITS_MS = [0, 30, 60, 120, 250, 500, 500, 1_000, 1_000, 2_000, 2_000, 4_000, 4_000, 8_000]
const RESTS_MS = 100
const REPAIR_KEY = [LOCKS.repair, 0] as const
export const REPAIR_LEASE = REPAIR_KEY.join()

/** Circuits that never open: their own tests are elsewhere, and they keep time by timers of a library. */
const CIRCUITS: Circuits = { of: () => ({ breaker: CLOSED, failure: '' }), close: () => {} }

/** Starts an instance of `avisos`, put together as `app.ts` does. */
export function startAvisos(servers: Servers, process: Process): Avisos {
  const { wire, avisos: server, redisServer, feed: ask, planted, registry, now, receivers } = servers
  const { particoes } = servers.plan
  const { clock } = process
  const own = createSimulatedRedis({ wire, server: redisServer, process, habits: planted })
  const { sql, cut } = createSimulatedSql({ wire, server, process })
  const shared = { sql, log: SILENT, registry, clock }
  const sender = createWebhookSender({
    ...shared,
    poster: receivers.posterOf(process),
    now,
    circuits: CIRCUITS,
    waitsMs: WAITS_MS,
    pollMs: SEND_POLL_MS,
    restMs: RESTS_MS,
  })
  const feed = createFeedClient({
    baseUrl: 'http://entregas',
    token: () => 'token',
    policy: onePolicy(process, FEED_TIMEOUT_MS),
    particoes,
    fetch: (url) => ask(process, url),
  })
  const follower = createFollower(
    {
      ...PEDIDOS,
      log: { streamPrefix: PEDIDOS_STREAM, particoes, feed },
      committed: ({ applied }) => (applied > 0 ? sender.wake() : undefined),
    },
    {
      ...shared,
      timings: PACE,
      redis: planted.redis?.(own, AVISOS_GROUP) ?? own,
      instance: nameOf(servers, process),
      lease: createSimulatedLease({ wire, server, process, key: REPAIR_KEY, name: 'reparo', log: SILENT }),
    },
  )
  let leaving = false
  void prepared(follower.prepare, process).then(() => {
    if (leaving) return
    follower.start()
    sender.start()
  })
  return {
    process,
    redis: own,
    resume: createResumeStore(sql).resume,
    cutDatabase: cut,
    stop: async () => {
      leaving = true
      await follower.stop()
      await sender.stop()
      await own.close()
    },
  }
}
