import { startOwnRedis, uniquePrefix } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createRedisConnections, type RedisConnections } from '../redis/connection.ts'
import { type Breaker, createBreaker } from '../resilience/breaker.ts'
import {
  CacheUnavailable,
  createVersionedCache,
  type VersionedCache,
  type VersionedCacheDeps,
} from './versioned-cache.ts'

const log = pino({ level: 'silent' })
let server: Awaited<ReturnType<typeof startOwnRedis>>
let connections: RedisConnections
let admin: Redis
let breaker: Breaker
let registry: Registry
let prefix: string
const caches: VersionedCache[] = []

beforeAll(async () => {
  server = await startOwnRedis()
  admin = new Redis(server.url)
  admin.on('error', () => {})
  connections = createRedisConnections({ url: server.url, name: 'cache-test', log })
  await connections.ready(10_000)
})
afterAll(async () => {
  admin.disconnect()
  await connections.close()
  await server.remove()
})
/** Makes the server refuse writes, as a full one does, and go on reading. */
const refuseWrites = () => admin.config('SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction')
const acceptWrites = () => admin.config('SET', 'maxmemory', '0', 'maxmemory-policy', 'volatile-lru')
beforeEach(() => waitFor(() => connections.cache.status === 'ready'))
afterEach(async () => {
  await acceptWrites()
  for (const cache of caches.splice(0)) await cache.close()
  breaker.close()
})

const aCache = (options: Partial<VersionedCacheDeps> = {}): VersionedCache => {
  registry = new Registry()
  prefix = uniquePrefix('cache')
  breaker = createBreaker({
    name: 'redis-cache',
    volumeThreshold: 20,
    errorThresholdPercentage: 50,
    resetTimeoutMs: 100,
    registry,
  })
  const deps = { redis: connections.cache, prefix, breaker, registry, name: 'teste' }
  // On a busy machine 50 ms may pass; the tests of the deadline set their own.
  const cache = createVersionedCache({ ...deps, timeoutMs: 5_000, ...options })
  caches.push(cache)
  return cache
}
const value = (versao: number, body: string) => ({ versao, body, current: true })

describe('set if newer', () => {
  it('knows nothing of a key never set', async () => {
    expect(await aCache().get('{loja}:2025-10-15')).toBeUndefined()
  })

  it('a late fill with an old value loses against the newer one', async () => {
    const cache = aCache()
    await cache.setIfNewer([{ key: 'k', versao: 2, body: 'new' }])
    await cache.setIfNewer([{ key: 'k', versao: 1, body: 'old' }])
    expect(await cache.get('k')).toEqual(value(2, 'new'))
    await cache.setIfNewer([{ key: 'k', versao: 2, body: 'same version' }])
    expect(await cache.get('k')).toEqual(value(2, 'new'))
    await cache.setIfNewer([{ key: 'k', versao: 2 ** 41 + 1, body: 'another generation' }])
    expect(await cache.get('k')).toEqual(value(2 ** 41 + 1, 'another generation'))
  })

  it('whatever the order of concurrent writers, the newest version stays', async () => {
    const cache = aCache()
    const versoes = Array.from({ length: 200 }, (_, i) => i).sort(() => Math.random() - 0.5)
    await Promise.all(versoes.map((versao) => cache.setIfNewer([{ key: 'k', versao, body: `b${versao}` }])))
    expect(await cache.get('k')).toEqual(value(199, 'b199'))
  })

  it('sets hundreds of keys of many merchants in one go, and replaces what is not an entry', async () => {
    const cache = aCache()
    await admin.set(`${prefix}:{m0}:d0`, 'rubbish')
    const entries = Array.from({ length: 700 }, (_, i) => ({ key: `{m${i % 90}}:d${i}`, versao: i + 1, body: `${i}` }))
    await cache.setIfNewer(entries)
    const read = await Promise.all(entries.map(({ key }) => cache.get(key)))
    expect(read).toEqual(entries.map(({ versao, body }) => value(versao, body)))
    expect(await registry.metrics()).toContain('fluxo_cache_set_total{cache="teste",result="written"} 700')
  })

  it('entries live an hour give or take a tenth, and an absence as short as it asks', async () => {
    const cache = aCache()
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`)
    for (const key of keys) await cache.setIfNewer([{ key, versao: 1, body: 'x' }])
    await cache.setIfNewer([{ key: 'absent', versao: 1, body: 'x', ttlMs: 30_000 }])
    const lives = await Promise.all(keys.map((key) => admin.pttl(`${prefix}:${key}`)))
    expect(Math.min(...lives)).toBeGreaterThan(3_600_000 * 0.9 - 5_000)
    expect(Math.max(...lives)).toBeLessThanOrEqual(3_600_000 * 1.1)
    expect(new Set(lives.map((ms) => Math.round(ms / 1000))).size).toBeGreaterThan(10)
    expect(await admin.pttl(`${prefix}:absent`)).toBeLessThanOrEqual(33_000)
  })
})

describe('get', () => {
  it('reads of one turn of the event loop travel in one MGET, equal keys once', async () => {
    const cache = aCache()
    await cache.setIfNewer([{ key: 'a', versao: 1, body: 'A' }])
    await cache.get('a')
    await admin.config('RESETSTAT')
    const read = await Promise.all(Array.from({ length: 64 }, (_, i) => cache.get(i % 2 ? 'a' : `b${i}`)))
    expect(read.filter((one) => one?.body === 'A')).toHaveLength(32)
    expect(await admin.info('commandstats')).toMatch(/cmdstat_mget:calls=1,/)
  })

  it('a server that does not answer in time costs the deadline, then nothing: the circuit opens', async () => {
    const cache = aCache({ timeoutMs: 20 })
    await cache.get('k')
    // A pause holds back its own end too, so it is short.
    await admin.call('CLIENT', 'PAUSE', '1500', 'ALL')
    const began = performance.now()
    await expect(cache.get('k')).rejects.toBeInstanceOf(CacheUnavailable)
    expect(performance.now() - began).toBeLessThan(500)
    await waitFor(async () => {
      await cache.get('k').catch(() => {})
      return breaker.state() === 'open'
    })
    const times: number[] = []
    for (let i = 0; i < 10; i += 1) {
      const quick = performance.now()
      await expect(cache.get('k')).rejects.toBeInstanceOf(CacheUnavailable)
      times.push(performance.now() - quick)
    }
    // Below the deadline: nobody waited for it. The quickest, since the machine may do something else meanwhile.
    expect(Math.min(...times)).toBeLessThan(15)
  })
})

describe('writes that fail', () => {
  it('do not reject, are made up for, and until then the old value is not current', async () => {
    const cache = aCache()
    await cache.setIfNewer([{ key: 'k', versao: 1, body: 'old' }])
    await refuseWrites()
    await cache.setIfNewer([{ key: 'k', versao: 2, body: 'new' }])
    expect(cache.late()).toBe(1)
    expect(await cache.get('k')).toEqual({ versao: 1, body: 'old', current: false })
    await acceptWrites()
    await waitFor(() => cache.late() === 0)
    expect(await cache.get('k')).toEqual(value(2, 'new'))
    expect(await registry.metrics()).toContain('fluxo_cache_set_total{cache="teste",result="failed"} 1')
  })

  it('too many of them empty the cache instead, so that nothing old is left', async () => {
    const cache = aCache()
    await cache.setIfNewer([{ key: 'k', versao: 1, body: 'old' }])
    await refuseWrites()
    const flood = Array.from({ length: 20_001 }, (_, i) => ({ key: `f${i}`, versao: 1, body: 'x' }))
    await cache.setIfNewer([{ key: 'k', versao: 2, body: 'new' }, ...flood])
    expect(cache.late()).toBe(0)
    expect((await cache.get('k'))?.current).toBe(false)
    await acceptWrites()
    await waitFor(async () => (await cache.get('k')) === undefined)
    expect(await admin.keys(`${prefix}:*`)).toEqual([])
  })
})

describe('another run of the server', () => {
  it('what a restarted server brings back is not current, and is replaced by whatever is read now', async () => {
    const cache = aCache()
    await cache.setIfNewer([{ key: 'k', versao: 5, body: 'before' }])
    await refuseWrites()
    await cache.setIfNewer([{ key: 'lost?', versao: 9, body: 'written while it was away' }])
    const { port, dir, remove } = server
    await server.stop()
    await waitFor(() => connections.cache.status !== 'ready')
    await expect(cache.get('k')).rejects.toBeInstanceOf(CacheUnavailable)
    const again = await startOwnRedis({ port, dir: `${dir}/redis` })
    server = { ...again, remove: () => again.remove().then(remove) }
    await waitFor(() => connections.cache.status === 'ready')
    expect(await cache.get('k')).toEqual({ versao: 5, body: 'before', current: false })
    await cache.setIfNewer([{ key: 'k', versao: 5, body: 'read again' }])
    expect(await cache.get('k')).toEqual(value(5, 'read again'))
    await waitFor(() => cache.late() === 0)
    expect(await cache.get('lost?')).toEqual(value(9, 'written while it was away'))
  })
})
