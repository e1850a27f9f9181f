import type { Fault } from '../faults.ts'
import { REPAIR_LEASE, relayLease } from './entregas.ts'
import type { World } from './world.ts'

/** Puts the faults of the plan on the world's calendar; those at a step are looked up by the process itself. */
export function scheduleFaults(world: World): void {
  const { scheduler, plan, servers } = world
  for (const fault of plan.faults) {
    if (fault.kind === 'step') continue
    if (fault.kind === 'redis-restart') {
      scheduler.quietly(Math.max(0, fault.at - fault.loseMs), () => servers.redisServer.keep())
    }
    scheduler.after(fault.at, () => strike(world, fault))
  }
}

function strike(world: World, fault: Exclude<Fault, { kind: 'step' }>): void {
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
      cutLease(world, fault.lease)
      break
    case 'postgres-away':
      if (fault.database !== 'consolidado') stopPostgres(world, fault.database, fault.ms)
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

function cutLease({ servers, plan }: World, lease: string): void {
  if (lease === 'reparo') {
    servers.entregas.cutHolder(REPAIR_LEASE)
    servers.lancamentos.cutHolder(REPAIR_LEASE)
    return
  }
  for (let particao = 0; particao < plan.particoes; particao += 1) servers.entregas.cutHolder(relayLease(particao))
}

function stopPostgres(
  { servers, instances, scheduler }: World,
  database: 'entregas' | 'lancamentos',
  ms: number,
): void {
  const server = servers[database]
  if (!server.up()) return
  server.stop()
  for (const service of instances[database]()) service.cutDatabase()
  scheduler.after(ms, server.start)
}

/** Ends all connections to Redis; with `ms`, it is there again after so long. */
export function stopRedis({ servers, instances, scheduler, plan }: World, ms?: number): void {
  const { redisServer } = servers
  redisServer.setUp(false)
  for (const { service } of instances.all()) service.redis.cut()
  if (ms !== undefined && plan.profile !== 'feed-only') scheduler.after(ms, () => redisServer.setUp(true))
}
