import { setTimeout as delay } from 'node:timers/promises'
import { OpenAPIHono } from '@hono/zod-openapi'
import { invariant } from '../errors.ts'
import { createFeed, type Feed } from '../feed/feed.ts'
import { feedOfLog } from '../feed/own-log.ts'
import { createFeedRoutes } from '../feed/route.ts'
import { createFollower } from '../follow/follower.ts'
import type { AppEnv } from '../http/env.ts'
import type { AppModule, HealthCheck } from '../http/module.ts'
import { createNewId } from '../id.ts'
import { readHead } from '../log/pages.ts'
import { createRelay } from '../log/relay.ts'
import { createLease } from '../postgres/lease.ts'
import { LOCKS } from '../postgres/locks.ts'
import { exportPostgresMetrics } from '../postgres/metrics.ts'
import { createSchemaGate } from '../postgres/schema-gate.ts'
import { closeSql, createSql, type Sql } from '../postgres/sql.ts'
import { createTransactions, type Transactions } from '../postgres/transactions.ts'
import { exportRedisMetrics } from '../redis/metrics.ts'
import { createJanitor } from '../stream/janitor.ts'
import { createPublisher } from '../stream/publisher.ts'
import type { Logger } from '../telemetry/logger.ts'
import { counter, gauge, histogram, type Registry } from '../telemetry/metrics.ts'
import type {
  Given,
  LogDeclaration,
  LogStore,
  Openable,
  OwnLog,
  PoolOptions,
  ServiceContext,
} from './define-service.ts'

/** How soon a start that found no database tries again. */
const PREPARE_RETRY_MS = 500

/**
 * Opens a service on connections that are there already. Nothing runs before `start`.
 *
 * Starting: the relay and the janitor of its log, then its followers and workers, as soon as the followers' rows could be prepared; a
 * database that is away delays them, not the start. Leaving: what follows and works, what waits for a commit, the relay, the pools.
 */
export function openService<Settings>(service: Openable<Settings>, given: Given<Settings>): AppModule {
  const { name } = service
  const { redis, log, registry } = given
  const pools = createPools(given.databaseUrl)
  const feeds: Feed[] = []
  const context = contextOf(given, pools, feeds, pools.open(service.pool))
  const own = service.log && openLog(service.log, context, given)
  const { checks, followers, routes, workers } = partsOf(service, context, own?.log)
  exportRedisMetrics({ registry, redis: redis.commands })
  exportPostgresMetrics({ registry, database: name, sql: context.sql, pools: pools.sizes })
  const background = [...followers, ...workers]
  const starting = createStart({
    name,
    log,
    prepare: async () => void (await Promise.all(followers.map((follower) => follower.prepare()))),
    begin: () => {
      for (const { start } of background) start?.()
    },
  })
  return {
    name,
    gate: createSchemaGate({ database: name, migrations: service.migrations, sql: context.sql, log }),
    routes: routesOf([...routes, ...(own?.routes ?? [])]),
    checks: [...checks, { name: 'redis', required: false, check: async () => void (await redis.commands.ping()) }],
    start: async () => {
      own?.start()
      await starting.start()
    },
    leave: () => {
      for (const { leave } of workers) leave?.()
    },
    drain: async () => {
      await starting.stop()
      await Promise.all(background.map(async ({ stop }) => stop?.()))
      await own?.stop()
    },
    close: async () => {
      await Promise.all(workers.map(async ({ close }) => close?.()))
      for (const feed of feeds) feed.close()
      await pools.close()
    },
  }
}

function partsOf<Settings>(service: Openable<Settings>, context: ServiceContext<Settings>, log: OwnLog | undefined) {
  if (service.log === undefined) return service.open(context)
  invariant(log, 'a service that declares a log has one')
  return service.open(context, log)
}

/** That a service's database answers, on each of these pools: without it, it cannot work. */
export const needsPostgres = (name: string, ...pools: readonly Sql[]): HealthCheck => ({
  name: `postgres-${name}`,
  required: true,
  check: async () => void (await Promise.all(pools.map((sql) => sql`select 1`))),
})

/** The pools of a database by their names. */
function createPools(url: string) {
  const sizes: Record<string, number> = {}
  const closers: (() => Promise<void>)[] = []
  const open = (options: PoolOptions): Sql => {
    const sql = createSql({ ...options, url })
    sizes[options.name] = options.max
    closers.push(() => closeSql(sql))
    return sql
  }
  const transactions = (options: PoolOptions): Transactions => {
    const opened = createTransactions({ ...options, url })
    sizes[options.name] = options.max
    closers.push(opened.close)
    return opened
  }
  const close = async () => void (await Promise.all(closers.map((one) => one())))
  return { sizes, open, transactions, close }
}

function contextOf<Settings>(
  given: Given<Settings>,
  pools: ReturnType<typeof createPools>,
  feeds: Feed[],
  sql: Sql,
): ServiceContext<Settings> {
  const { databaseUrl: url, registry, log } = given
  const lease: ServiceContext<Settings>['lease'] = (name, key) => createLease({ url, key, name, log })
  return {
    ...given,
    now: given.now ?? (() => new Date()),
    newId: createNewId(),
    sql,
    pool: pools.open,
    transactions: pools.transactions,
    lease,
    logAt: (name, streamPrefix, { streamPrefix: other, ...address }) => {
      const feed = createFeed({ ...address, name, registry })
      feeds.push(feed)
      return { streamPrefix: other ?? streamPrefix, particoes: address.particoes, feed }
    },
    follow: (group, { sql, lease: { name, number = 0 } }) =>
      createFollower(group, { ...given, sql, lease: lease(name, [LOCKS.repair, number]) }),
  }
}

function routesOf(all: readonly OpenAPIHono<AppEnv>[]): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  for (const one of all) routes.route('/', one)
  return routes
}

/** The owner's side of a log: what publishes it, answers it over HTTP and sweeps its streams. */
function openLog<Settings>(declared: LogDeclaration, context: ServiceContext<Settings>, given: Given<Settings>) {
  const { particoes = 1, redis, log, registry, tracing, verifier } = given
  const { sql, lease } = context
  const streamPrefix = given.streamPrefix ?? declared.streamPrefix
  const reads = { readPage: declared.readPage(sql), readHead: (particao: number) => readHead(sql, particao) }
  const streams = { redis: redis.commands, prefix: streamPrefix }
  const relay = createRelay({
    name: declared.name,
    sql,
    particoes,
    readPage: reads.readPage,
    publisher: createPublisher(streams),
    lease: (particao) => lease(declared.relay, [LOCKS.relay, particao]),
    log,
    registry,
    tracing,
  })
  const janitor = createJanitor({ ...streams, particoes, groups: declared.readers, log, registry })
  const stores: LogStore[] = []
  const own: OwnLog = {
    streamPrefix,
    particoes,
    feed: feedOfLog(reads),
    commits: { onCommit: relay.wake, ...exportCommits(registry, declared.commits, stores), tracing },
    writes: (store) => {
      stores.push(store)
      return store
    },
  }
  return {
    log: own,
    routes: [createFeedRoutes({ ...declared.feed, ...reads, particoes, verifier })],
    start: () => {
      relay.start()
      janitor.start()
    },
    stop: async () => {
      await Promise.all([janitor.stop(), ...stores.map((store) => store.idle())])
      await relay.stop()
    },
  }
}

/** The metrics of a log's group commits. */
function exportCommits(registry: Registry, { metric, what }: LogDeclaration['commits'], stores: readonly LogStore[]) {
  const rows = histogram(registry, {
    name: `${metric}_rows`,
    help: `${what} of one group commit.`,
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
  })
  const refused = counter(registry, {
    name: `${metric}_refused_total`,
    help: `${what} turned away with 503 because too many waited.`,
  })
  gauge(registry, {
    name: `${metric}_queue`,
    help: `${what} that wait for a group commit.`,
    collect() {
      this.set(stores.reduce((sum, store) => sum + store.depth(), 0))
    },
  })
  return { onBatch: (size: number) => rows.observe(size), onRefused: () => refused.inc() }
}

type StartDeps = { name: string; log: Logger; prepare: () => Promise<void>; begin: () => void }

/** Begins once the database is prepared; one that is away delays what follows and works, and not the answers. */
function createStart({ name, log, prepare, begin }: StartDeps) {
  const stopping = new AbortController()
  let trying: Promise<void> = Promise.resolve()
  let told = false
  const tryOnce = async (): Promise<boolean> => {
    try {
      await prepare()
    } catch (error) {
      if (!told) log.warn({ err: error }, `${name} waits for its database`)
      told = true
      return false
    }
    if (!stopping.signal.aborted) begin()
    return true
  }
  const keepTrying = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await delay(PREPARE_RETRY_MS, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted || (await tryOnce())) return
    }
  }
  return {
    start: async () => {
      if (!(await tryOnce())) trying = keepTrying()
    },
    stop: async () => {
      stopping.abort()
      await trying
    },
  }
}
