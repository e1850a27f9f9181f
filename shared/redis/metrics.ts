import type { Redis } from 'ioredis'
import { counter, gauge, type Registry } from '../telemetry/metrics.ts'
import { createScrapeQuery } from '../telemetry/scrape-query.ts'

type Info = ReadonlyMap<string, string>

/** Which field of INFO each gauge shows, and how to read it. */
const GAUGES: readonly { name: string; help: string; value: (info: Info) => number }[] = [
  {
    name: 'fluxo_redis_memory_used_bytes',
    help: 'Memory that Redis uses for data.',
    value: (info) => Number(info.get('used_memory')),
  },
  {
    name: 'fluxo_redis_memory_max_bytes',
    help: 'maxmemory of Redis; 0 is no limit.',
    value: (info) => Number(info.get('maxmemory')),
  },
  {
    name: 'fluxo_redis_aof_enabled',
    help: '1 where Redis keeps its append-only file.',
    value: (info) => Number(info.get('aof_enabled')),
  },
  {
    name: 'fluxo_redis_aof_last_write_ok',
    help: '0 where the last write of the append-only file failed: the disk is full or broken.',
    value: (info) => (info.get('aof_last_write_status') === 'ok' ? 1 : 0),
  },
  {
    name: 'fluxo_redis_aof_last_rewrite_ok',
    help: '0 where the last rewrite of the append-only file failed.',
    value: (info) => (info.get('aof_last_bgrewrite_status') === 'ok' ? 1 : 0),
  },
  {
    name: 'fluxo_redis_aof_size_bytes',
    help: 'Size of the append-only file; 0 where there is none.',
    value: (info) => Number(info.get('aof_current_size') ?? 0),
  },
]

/** Exports what an operator must know of the Redis itself. Every instance shows the same server: take `max`. */
export function exportRedisMetrics({ registry, redis }: { registry: Registry; redis: Redis }): void {
  // INFO without a section has all that is needed in one command (its variant with several sections needs Redis 7).
  const look = createScrapeQuery(async () => parseInfo(await redis.info()))
  gauge(registry, {
    name: 'fluxo_redis_up',
    help: '1 where Redis answers within half a second.',
    async collect() {
      this.set((await look()) === undefined ? 0 : 1)
    },
  })
  for (const { name, help, value } of GAUGES) {
    gauge(registry, {
      name,
      help,
      async collect() {
        const info = await look()
        // `remove` and not `reset`, which would show 0 where nothing is known.
        if (info === undefined) this.remove()
        else this.set(value(info))
      },
    })
  }
  counter(registry, {
    name: 'fluxo_redis_evicted_keys_total',
    help: 'Cached days that Redis gave up for room.',
    async collect() {
      const info = await look()
      if (info === undefined) return
      this.reset()
      this.inc(Number(info.get('evicted_keys')))
    },
  })
}

/** INFO as names and values; sections and empty lines are left out. */
function parseInfo(text: string): Info {
  const pairs = text.split('\r\n').flatMap((line) => {
    const colon = line.indexOf(':')
    return colon < 1 || line.startsWith('#') ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
  })
  return new Map(pairs)
}
