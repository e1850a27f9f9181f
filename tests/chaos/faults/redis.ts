import type { World } from '../world.ts'
import type { Fault } from './fault.ts'

const endRedis = (signal: NodeJS.Signals) => async (world: World) => {
  await world.redis.end(signal)
  return () => world.redis.start()
}

const READY_MS = 10_000
const redisOf = async ({ looking }: World) => {
  await looking.ready(READY_MS)
  return looking.commands
}

/** What happens to Redis itself. */
export const REDIS_FAULTS: readonly Fault[] = [
  {
    name: 'redis-restart',
    what: 'Redis ends in good order and returns with its data',
    holdMs: [0, 1_000],
    hits: 'one',
    inject: endRedis('SIGTERM'),
  },
  {
    name: 'redis-kill',
    what: 'SIGKILL of Redis, which returns without its last second',
    holdMs: [500, 4_000],
    hits: 'one',
    inject: endRedis('SIGKILL'),
  },
  {
    name: 'redis-flush',
    what: 'FLUSHALL: streams, groups and cache are gone',
    holdMs: [500, 1_500],
    hits: 'one',
    inject: async (world) => {
      await (await redisOf(world)).flushall()
      return async () => {}
    },
  },
  {
    name: 'redis-client-kill',
    what: 'CLIENT KILL of every connection',
    holdMs: [500, 1_500],
    hits: 'one',
    inject: async (world) => {
      await (await redisOf(world)).call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      return async () => {}
    },
  },
  {
    name: 'redis-memory',
    what: 'maxmemory below what is used: writes are refused, the cache is evicted',
    holdMs: [2_000, 5_000],
    hits: 'one',
    inject: async (world) => {
      await (await redisOf(world)).config('SET', 'maxmemory', '1mb')
      return async () => {
        await (await redisOf(world)).config('SET', 'maxmemory', '0')
      }
    },
  },
]
