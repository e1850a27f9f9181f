import { REPAIR_LEASE } from './consolidado.ts'
import type { Fault } from './faults.ts'
import { relayLease } from './lancamentos.ts'
import type { World } from './world.ts'

/** Puts the faults of the plan on the world's calendar; those at a step are looked up by the process itself. */
export function scheduleFaults(world: World): void {
  const { scheduler, plan } = world
  for (const fault of plan.faults) {
    if (fault.kind === 'step') continue
    // A loss of the last second: what will be left is what is there a second earlier.
    if (fault.kind === 'redis-restart') {
      scheduler.quietly(Math.max(0, fault.at - fault.loseMs), () => world.servers.redisServer.keep())
    }
    scheduler.after(fault.at, () => strike(world, fault))
  }
}

function strike(world: World, fault: Exclude<Fault, { kind: 'step' }>): void {
  const { scheduler, servers, instances, feed } = world
  const { kind, at: _, ...rest } = fault
  scheduler.note(`! ${kind} ${Object.values(rest).join(' ')}`)
  switch (fault.kind) {
    case 'kill':
      instances.kill(fault.instance, fault.ms)
      break
    case 'leave':
      instances.leave(fault.instance, fault.ms)
      break
    case 'pause':
      instances.named(fault.instance)?.process.pause(fault.ms)
      break
    case 'lease-cut':
      cutLease(world, fault.lease)
      break
    case 'postgres-away':
      if (fault.database !== 'entregas') stopPostgres(world, fault.database, fault.ms)
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
      scheduler.after(fault.ms, () => feed.setUp(world.plan.profile !== 'stream-only'))
      break
  }
}

function cutLease({ servers, plan }: World, lease: string): void {
  if (lease === 'reparo') servers.consolidado.cutHolder(REPAIR_LEASE)
  else
    for (let particao = 0; particao < plan.particoes; particao += 1) servers.lancamentos.cutHolder(relayLease(particao))
}

function stopPostgres(
  { servers, instances, scheduler }: World,
  database: 'lancamentos' | 'consolidado',
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
