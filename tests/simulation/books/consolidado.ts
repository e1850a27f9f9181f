import { createVersionedCache, type VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import type { Inbox } from '@fluxo/shared/inbox/inbox'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { createFeedClient, type FeedClient } from '@fluxo/shared/repair/feed-client'
import type { Breaker } from '@fluxo/shared/resilience/breaker'
import type { Policy } from '@fluxo/shared/resilience/policy'
import { createJanitor } from '@fluxo/shared/stream/janitor'
import type { Registry } from 'prom-client'
import { createLeitorDoDia, type LeitorDoDia } from '../../../apps/consolidado/src/consultar/ler-dia.ts'
import { createConsultaStore } from '../../../apps/consolidado/src/consultar/store.ts'
import type { Saldo } from '../../../apps/consolidado/src/domain/saldo.ts'
import { createConsumidores } from '../../../apps/consolidado/src/projetar/consumir.ts'
import type { Lancado } from '../../../apps/consolidado/src/projetar/efeito.ts'
import { type Montagem, type MontarDeps, montarProjecao } from '../../../apps/consolidado/src/projetar/montar.ts'
import { CACHE_PREFIX, GRUPO, STREAM_PREFIX } from '../../../apps/consolidado/src/projetar/nomes.ts'
import { createProjecao } from '../../../apps/consolidado/src/projetar/projecao.ts'
import { createReparo, REPARO_LOCK } from '../../../apps/consolidado/src/reparar/reparo.ts'
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
  readonly leitor: LeitorDoDia
  readonly inbox: Pick<Inbox<Lancado, Saldo[]>, 'waitApplied'>
  cutDatabase: () => void
  stop: () => Promise<void>
}

export const REPAIR_LEASE = REPARO_LOCK.join()

/** The pace of this world: fast, so that a history of seconds sees every timer come up. Above the slowest batch all the same. */
const CLAIM_IDLE_MS = 700
/** Consumers are held for dead sooner than their entries are taken over: only what they have pending keeps them. */
const JANITOR = { everyMs: 400, deadConsumerIdleMs: 300 }
const REPAIR = { graceMs: 500, everyMs: 120, headEveryMs: 300 }
const PREPARE_RETRY_MS = 500
const FEED_TIMEOUT_MS = 2_000

/** The circuit that never opens: its own tests are elsewhere, and it keeps time by timers of a library. */
const CLOSED: Breaker = { name: 'closed', execute: (action) => action(), state: () => 'closed', close: () => {} }

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
  const redis = createSimulatedRedis({ wire, server: redisServer, process, habits: seams })
  const { sql, cut } = createSimulatedSql({ wire, server, process, name: 'projection' })
  const cache = cacheOf({ redis, registry, process, seams })
  const feed = feedOf(servers, process)
  const partes = partsOf(
    {
      sql,
      redis: redis.commands,
      streamPrefix: STREAM_PREFIX,
      cache,
      epocaDoLog: async (particao) => (await feed.page({ particao, depoisDe: 0, limite: 1 })).epoca,
      log: SILENT,
      registry,
      clock,
    },
    { seams, redis },
  )
  const instancia = servers.stableNames ? process.instance : `${process.instance}.${process.life}`
  const shared = { particoes, log: SILENT, registry, clock }
  const consumidores = createConsumidores({
    ...shared,
    redis,
    streamPrefix: STREAM_PREFIX,
    instancia,
    projecao: partes.projecao,
    lanes,
    countMax,
    claimIdleMs: CLAIM_IDLE_MS,
  })
  const reparo = createReparo({
    ...partes,
    ...shared,
    ...REPAIR,
    sql,
    lease: createSimulatedLease({ wire, server, process, key: REPARO_LOCK, name: 'reparo', log: SILENT }),
    feed,
    redisUp: () => redis.status() === 'up' && consumidores.every((one) => one.state() !== 'sem-redis'),
  })
  const janitor = createJanitor({
    ...shared,
    ...JANITOR,
    redis: redis.commands,
    prefix: STREAM_PREFIX,
    groups: [GRUPO],
  })
  void prepared(() => partes.inbox.prepare(particoes), process).then(() => {
    for (const one of [...consumidores, reparo, janitor]) one.start()
  })
  const store = createConsultaStore({ sql, policy: onePolicy(process, FEED_TIMEOUT_MS), clock })
  return {
    process,
    redis,
    cache,
    leitor: createLeitorDoDia({ cache, store }),
    inbox: partes.inbox,
    cutDatabase: cut,
    stop: async () => {
      await Promise.all([...consumidores, reparo, janitor].map((one) => one.stop()))
      await cache.close()
      await redis.close()
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

type CacheDeps = { redis: SimulatedRedis; registry: Registry; process: Process; seams: Seams }

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

/** The projection as the service puts it together, and a planted bug's part in the place of one of its own. */
function partsOf(deps: MontarDeps & { sql: Sql }, { seams, redis }: { seams: Seams; redis: SimulatedRedis }): Montagem {
  const own = montarProjecao(deps)
  const inbox = seams.inbox?.(own.inbox) ?? own.inbox
  const cartas = seams.cartas === undefined ? own.cartas : { ...own.cartas, ...seams.cartas(own.cartas) }
  const replaced = seams.inbox !== undefined || seams.cartas !== undefined
  const projecao = replaced ? createProjecao({ ...deps, ...own, inbox, cartas }) : own.projecao
  return { ...own, inbox, cartas, projecao: seams.projecao?.(projecao, redis) ?? projecao }
}
