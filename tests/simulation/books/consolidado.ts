import { createVersionedCache, type VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { createFeedClient, type FeedClient } from '@fluxo/shared/feed/client'
import { createFollower, type Follower } from '@fluxo/shared/follow/follower'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import type { Breaker } from '@fluxo/shared/resilience/breaker'
import type { Policy } from '@fluxo/shared/resilience/policy'
import type { Registry } from 'prom-client'
import { createDayReader, type DayReader } from '../../../apps/consolidado/src/consultar/read-day.ts'
import { createBalanceReadStore } from '../../../apps/consolidado/src/consultar/store.ts'
import { CACHE_PREFIX, CONSOLIDADO_GROUP, STREAM_PREFIX } from '../../../apps/consolidado/src/projetar/names.ts'
import { createProjection } from '../../../apps/consolidado/src/projetar/projection.ts'
import type { Process } from '../process.ts'
import { createSimulatedLease, createSimulatedSql } from '../servers/postgres-client.ts'
import { createSimulatedRedis, type SimulatedRedis } from '../servers/redis-client.ts'
import { SILENT } from '../silent.ts'
import type { Seams } from './seams.ts'
import type { Servers } from './servers.ts'

/** One instance of the read side: the product's own parts over simulated servers. */
export type Consolidado = {
  readonly process: Process
  readonly redis: SimulatedRedis
  readonly cache: Pick<VersionedCache, 'late'>
  readonly leitor: DayReader
  readonly inbox: Follower['inbox']
  cutDatabase: () => void
  stop: () => Promise<void>
}

const REPAIR_KEY = [LOCKS.repair, 0] as const
export const REPAIR_LEASE = REPAIR_KEY.join()

/** The pace of this world: fast, so that a history of seconds sees every timer come up. Above the slowest batch all the same. */
const PACE = { claimIdleMs: 700, graceMs: 500, everyMs: 120, headEveryMs: 300 }
const PREPARE_RETRY_MS = 500
const FEED_TIMEOUT_MS = 2_000

/** The circuit that never opens: its own tests are elsewhere, and it keeps time by timers of a library. */
export const CLOSED: Breaker = { name: 'closed', execute: (action) => action(), state: () => 'closed', close: () => {} }

/** A policy of one attempt, which ends with the caller's patience. */
export const onePolicy = ({ clock }: Process, timeoutMs: number): Policy => ({
  name: 'one attempt',
  execute: (action, caller) => {
    const timeout = new AbortController()
    const signal = caller === undefined ? timeout.signal : AbortSignal.any([caller, timeout.signal])
    const late = Promise.withResolvers<never>()
    const cancel = clock.after(timeoutMs, () => {
      late.reject(Object.assign(new Error('no answer in time'), { name: 'TimeoutError' }))
      timeout.abort()
    })
    return Promise.race([action(signal), late.promise]).finally(cancel)
  },
})

/** Starts an instance of `consolidado`. */
export function startConsolidado(servers: Servers, process: Process): Consolidado {
  const { wire, consolidado: server, redisServer, particoes, seams, lanes, countMax, registry } = servers
  const { clock } = process
  const own = createSimulatedRedis({ wire, server: redisServer, process, habits: seams })
  const redis = seams.redis?.(own, CONSOLIDADO_GROUP) ?? own
  const simulated = createSimulatedSql({ wire, server, process })
  const sql = seams.sql?.(simulated.sql) ?? simulated.sql
  const cache = cacheOf({ redis, registry, process, seams })
  const shared = { particoes, log: SILENT, registry, clock }
  const projection = createProjection({ sql, cache, registry })
  const follower = createFollower(
    {
      ...(seams.projection?.(projection) ?? projection),
      lanes,
      log: { streamPrefix: STREAM_PREFIX, particoes, feed: feedOf(servers, process) },
    },
    {
      ...shared,
      timings: { ...PACE, countMax },
      instance: servers.stableNames ? process.instance : `${process.instance}.${process.life}`,
      sql,
      redis,
      lease: createSimulatedLease({ wire, server, process, key: REPAIR_KEY, name: 'reparo', log: SILENT }),
    },
  )
  void prepared(follower.prepare, process).then(() => follower.start())
  const store = createBalanceReadStore({ sql, policy: onePolicy(process, FEED_TIMEOUT_MS), clock })
  return {
    process,
    redis: own,
    cache,
    leitor: createDayReader({ cache, store }),
    inbox: follower.inbox,
    cutDatabase: simulated.cut,
    stop: async () => {
      await follower.stop()
      await cache.close()
      await own.close()
    },
  }
}

export async function prepared(prepare: () => Promise<void>, { clock }: Process): Promise<void> {
  for (;;) {
    try {
      return await prepare()
    } catch {
      await clock.delay(PREPARE_RETRY_MS)
    }
  }
}

type CacheDeps = { redis: Pick<SimulatedRedis, 'cache'>; registry: Registry; process: Process; seams: Seams }

function cacheOf({ redis, registry, process, seams }: CacheDeps): VersionedCache {
  const { clock } = process
  const prefix = CACHE_PREFIX
  const real = createVersionedCache({
    redis: redis.cache,
    prefix,
    breaker: CLOSED,
    registry,
    name: 'consolidado',
    clock,
  })
  return seams.cache?.(real) ?? real
}

function feedOf({ feed, particoes }: Servers, process: Process): FeedClient {
  return createFeedClient({
    baseUrl: 'http://lancamentos',
    token: () => 'token',
    policy: onePolicy(process, FEED_TIMEOUT_MS),
    particoes,
    fetch: (url) => feed(process, url),
  })
}
