import type { OpenAPIHono } from '@hono/zod-openapi'
import type { z } from 'zod'
import type { Follower, Timings } from '../follow/follower.ts'
import type { FollowedLog, Group } from '../follow/group.ts'
import type { Verifier } from '../http/auth.ts'
import type { AppEnv } from '../http/env.ts'
import type { HealthCheck } from '../http/module.ts'
import type { Positioned } from '../inbox/inbox.ts'
import type { ReadPage } from '../log/pages.ts'
import type { Lease } from '../postgres/lease.ts'
import type { Sql, SqlOptions } from '../postgres/sql.ts'
import type { Transactions } from '../postgres/transactions.ts'
import type { Limits } from '../ratelimit/admission.ts'
import type { RedisConnections } from '../redis/connection.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Registry } from '../telemetry/metrics.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import type { LogAddress, ServiceEnv } from './settings.ts'

/** What a process gives each of its services. */
export type Given<Settings> = {
  /** URL of the service's own role on its database. */
  databaseUrl: string
  redis: RedisConnections
  verifier: Verifier
  limits?: Limits | undefined
  /** Signs page cursors. */
  cursorSecret: string
  /** Of its own log, as `readLogState` gives it; 1 where it has none. */
  particoes?: number | undefined
  /** Name of this instance in the consumer groups; a stable one finds its own pending entries after a restart. */
  instance: string
  settings: Settings
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  /** For tests: another name of its log in Redis, other waits, another time. */
  streamPrefix?: string | undefined
  timings?: Partial<Timings> | undefined
  now?: (() => Date) | undefined
}

export type PoolOptions = Omit<SqlOptions, 'url'>

/** What a service makes its parts of. Whatever it opens here is shown in the metrics, and closed with the service. */
export type ServiceContext<Settings> = Omit<Given<Settings>, 'databaseUrl' | 'particoes' | 'now' | 'streamPrefix'> & {
  now: () => Date
  newId: () => string
  /** The pool of the declaration. */
  sql: Sql
  pool: (options: PoolOptions) => Sql
  transactions: (options: PoolOptions) => Transactions
  lease: (name: string, key: readonly [number, number]) => Lease
  /** Another service's log; `name` tells its feed from others. */
  logAt: (name: string, streamPrefix: string, address: LogAddress) => FollowedLog
  /** Follows a log, with the service's own instance, Redis and metrics. `lease.number` tells the followers of one database apart. */
  follow: <Row extends Positioned, Touched>(
    group: Group<Row, Touched> & { log: FollowedLog },
    by: { sql: Sql; lease: { name: string; number?: number } },
  ) => Follower
}

/** A log that a service owns: it publishes it to its streams, answers it over HTTP, and sweeps the streams. */
export type LogDeclaration = {
  /** As the metrics call it. */
  name: string
  streamPrefix: string
  readPage: (sql: Sql) => ReadPage
  /** The relay's name in the log and in pg_stat_activity. */
  relay: string
  /** Where the log is read over HTTP. */
  feed: { path: string; operationId: string }
  /** The consumer groups of all services that follow it: nothing is trimmed before they have it (docs/decisions/0024). */
  readers: readonly string[]
  /** How the metrics call its group commits, and what one carries. */
  commits: { metric: string; what: string }
}

/** A service's own log, for the parts of the service. */
export type OwnLog = FollowedLog & {
  /** What the store of the log tells of its group commits. */
  commits: {
    onCommit: (particao: number) => void
    onBatch: (rows: number) => void
    onRefused: () => void
    tracing: Tracing | undefined
  }
  /** Shows how much waits in a store, and waits for it before the relay stops. */
  writes: <Store extends LogStore>(store: Store) => Store
}
export type LogStore = { depth: () => number; idle: () => Promise<void> }

/** Work in the background. All of it may be asked to stop without having started. */
export type Worker = {
  start?: (() => void) | undefined
  /** Ends answers that would never end by themselves. */
  leave?: (() => void) | undefined
  /** Finishes what is in hand. */
  stop?: (() => Promise<void> | void) | undefined
  /** Closes what the worker opened itself. */
  close?: (() => Promise<void> | void) | undefined
}

/** A service: what it answers to health, whom it follows, what it answers to merchants, what it does by itself. */
type Parts = {
  /** That Redis answers, and has what the schema needs, is checked for all services. */
  checks: readonly HealthCheck[]
  followers: readonly Follower[]
  routes: readonly OpenAPIHono<AppEnv>[]
  workers: readonly Worker[]
}

type Declared = {
  name: string
  /** The pool on which the service itself asks: for its schema, its metrics and its log. */
  pool: PoolOptions
  /** What its database must have before it starts. */
  migrations: readonly { tag: string; when: number }[]
}
type WithLog<Settings> = Declared & {
  log: LogDeclaration
  open: (context: ServiceContext<Settings>, log: OwnLog) => Parts
}
type WithoutLog<Settings> = Declared & { log?: undefined; open: (context: ServiceContext<Settings>) => Parts }
export type Openable<Settings> = WithLog<Settings> | WithoutLog<Settings>

type FromEnv<Shape extends z.ZodRawShape, Settings> = {
  /** Where it listens, unless `PORT` says otherwise. */
  port: number
  /** What it reads of the environment besides what every service does. */
  env: Shape
  settings: (env: ServiceEnv & z.infer<z.ZodObject<Shape>>) => Settings
}
export type Service<Shape extends z.ZodRawShape, Settings> = FromEnv<Shape, Settings> & Openable<Settings>

/**
 * Declares a service; nothing is opened before `runService` or `openService`.
 *
 * @example
 * export const avisos = defineService({
 *   name: 'avisos',
 *   port: 3004,
 *   env: { FEED_URL: envUrl('http', 'https') },
 *   settings: (env) => ({ pedidos: logAddress(env, env.FEED_URL, 1) }),
 *   pool: { name: 'avisos', max: 3 },
 *   migrations: migrationsOf('avisos'),
 *   open: (ctx) => {
 *     const log = ctx.logAt('pedidos', 'fluxo:pedidos', ctx.settings.pedidos)
 *     const follower = ctx.follow({ ...GROUP, log }, { sql: ctx.sql, lease: { name: 'reparo' } })
 *     return { checks: [needsPostgres('avisos', ctx.sql)], followers: [follower], routes: [], workers: [] }
 *   },
 * })
 */
export function defineService<Shape extends z.ZodRawShape, Settings>(
  service: FromEnv<Shape, Settings> & WithLog<Settings>,
): FromEnv<Shape, Settings> & WithLog<Settings>
export function defineService<Shape extends z.ZodRawShape, Settings>(
  service: FromEnv<Shape, Settings> & WithoutLog<Settings>,
): FromEnv<Shape, Settings> & WithoutLog<Settings>
export function defineService<Shape extends z.ZodRawShape, Settings>(
  service: Service<Shape, Settings>,
): Service<Shape, Settings> {
  return service
}
