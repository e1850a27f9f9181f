import type { Database, Fault } from './faults.ts'
import type { Process } from './process.ts'
import type { Scheduler } from './scheduler.ts'
import type { PostgresServer } from './servers/postgres-server.ts'
import type { RedisServer } from './servers/redis-server.ts'

/** What the faults of a plan need of a world, whichever services it has. */
type Disturbed = {
  plan: { faults: readonly Fault[]; profile: string }
  scheduler: Scheduler
  servers: { redisServer: RedisServer }
  instances: {
    kill: (instance: string, ms: number) => void
    leave: (instance: string, ms: number) => void
    named: (instance: string) => Disturbable | undefined
    all: () => readonly Disturbable[]
  }
  feed: { setUp: (up: boolean) => void }
}

type Connection = Extract<Fault, { kind: 'redis-cut' }>['connection']
type Disturbable = {
  process: Pick<Process, 'pause'>
  service: { redis: { cut: (connection?: Connection) => void } }
}

/** A PostgreSQL, those who are connected to it, and what it is restored from. */
type Target = {
  server: PostgresServer
  users: () => readonly { process: Pick<Process, 'instance'>; cutDatabase: () => void }[]
  backup?: { keep: () => void; restore: () => void }
}

/** What differs from world to world. */
export type FaultTargets = {
  /** The PostgreSQL servers that it has. */
  postgres: Partial<Record<Database, Target>>
  /** Ends the session behind a lease. */
  cutLease: (lease: string) => void
}

/** Puts the faults of the plan on the world's calendar; those at a step are looked up by the process itself. */
export function scheduleFaults(world: Disturbed, weak: FaultTargets): void {
  const { scheduler, plan } = world
  for (const fault of plan.faults) {
    if (fault.kind === 'step') continue
    // A loss of the last second: what will be left is what is there a second earlier.
    if (fault.kind === 'redis-restart') {
      scheduler.quietly(Math.max(0, fault.at - fault.loseMs), () => world.servers.redisServer.keep())
    }
    if (fault.kind === 'postgres-restored') {
      scheduler.quietly(Math.max(0, fault.at - fault.loseMs), () => weak.postgres[fault.database]?.backup?.keep())
    }
    scheduler.after(fault.at, () => strike(world, weak, fault))
  }
}

function strike(world: Disturbed, weak: FaultTargets, fault: Exclude<Fault, { kind: 'step' }>): void {
  const { scheduler, servers, instances, feed, plan } = world
  const { kind, at: _, ...rest } = fault
  scheduler.note(`! ${kind} ${Object.values(rest).join(' ')}`)
  switch (fault.kind) {
    case 'kill':
    case 'leave':
      instances[fault.kind](fault.instance, fault.ms)
      break
    case 'pause':
      instances.named(fault.instance)?.process.pause(fault.ms)
      break
    case 'lease-cut':
      weak.cutLease(fault.lease)
      break
    case 'postgres-away':
      stopPostgres(world, weak, fault)
      break
    case 'postgres-restored':
      for (const { process } of weak.postgres[fault.database]?.users() ?? []) instances.kill(process.instance, fault.ms)
      stopPostgres(world, weak, fault)
      weak.postgres[fault.database]?.backup?.restore()
      break
    case 'redis-away':
      stopRedis(world, fault.ms)
      break
    case 'redis-restart':
      servers.redisServer.restart(fault.loseMs > 0)
      stopRedis(world, fault.ms)
      break
    case 'redis-flush':
      servers.redisServer.flush()
      break
    case 'redis-cut':
      instances.named(fault.instance)?.service.redis.cut(fault.connection)
      break
    case 'group-lost':
      servers.redisServer.loseGroups()
      break
    case 'redis-full':
      servers.redisServer.fill(fault.skip)
      break
    case 'feed-away':
      feed.setUp(false)
      scheduler.after(fault.ms, () => feed.setUp(plan.profile !== 'stream-only'))
      break
  }
}

function stopPostgres(
  { scheduler }: Disturbed,
  weak: FaultTargets,
  { database, ms }: { database: Database; ms: number },
): void {
  const { server, users } = weak.postgres[database] ?? {}
  if (server?.up() !== true) return
  server.stop()
  for (const service of users?.() ?? []) service.cutDatabase()
  scheduler.after(ms, server.start)
}

/** Ends all connections to Redis; with `ms`, it is there again after so long. */
export function stopRedis({ servers, instances, scheduler, plan }: Disturbed, ms?: number): void {
  const { redisServer } = servers
  redisServer.setUp(false)
  for (const { service } of instances.all()) service.redis.cut()
  if (ms !== undefined && plan.profile !== 'feed-only') scheduler.after(ms, () => redisServer.setUp(true))
}
