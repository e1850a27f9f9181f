import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'
import { type Clock, systemClock } from '../clock.ts'
import type { Breaker } from '../resilience/breaker.ts'
import { withTimeout } from '../wait.ts'
import { createBatchedGet } from './batched-get.ts'
import { createCacheMetrics, type RequestResult } from './cache-metrics.ts'
import { createLateWrites } from './late-writes.ts'
import { createServerRun } from './server-run.ts'
import { parseStored, type StoredEntry, setAllIfNewer } from './set-if-newer.ts'

/** The cache cannot answer now: read what it is a copy of. */
export class CacheUnavailable extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(`cache unavailable: ${reason}`, options)
    this.name = 'CacheUnavailable'
  }
}

type CacheEntry = {
  key: string
  /** A whole number below 2^53 that grows with every change of `body`. */
  versao: number
  body: string
  /** Shorter life than the cache's own, such as for an absence. */
  ttlMs?: number
}

export type CacheValue = {
  versao: number
  body: string
  /** False where a newer value may exist: written under another run of the server, or its successor waits to be written. */
  current: boolean
}

export type VersionedCache = {
  /** The value kept under `key`, if any. Rejects with `CacheUnavailable` when the server is away, slow, or its circuit open. */
  get(key: string): Promise<CacheValue | undefined>
  /**
   * Writes each entry unless a newer version is there already.
   *
   * Resolves with whether that was done. Never rejects: a write that fails is counted, and repeated until it is made; until
   * then this process does not take the old value for current. Other processes do, also if this one ends before. So a caller
   * that can get the change again (a consumer, by not acknowledging) should do so on `false`.
   */
  setIfNewer(entries: readonly CacheEntry[]): Promise<boolean>
  /** The same for what a reader has just read: where it fails nothing is outdated, so it is not repeated. Never rejects. */
  fill(entry: CacheEntry): Promise<void>
  /** Counts how a request was answered in the end. */
  count(result: RequestResult): void
  /** Entries whose write failed and has not been made up for. */
  late(): number
  /** Tries a last time to write what is late; the connection stays its owner's. */
  close(): Promise<void>
}

export type VersionedCacheDeps = {
  /** A connection that fails fast. */
  redis: Redis
  /** Keys are `<prefix>:<key>`. */
  prefix: string
  breaker: Breaker
  registry: Registry
  /** Label `cache` of the metrics. */
  name: string
  /** After this long a read is given up, and the caller reads PostgreSQL. */
  timeoutMs?: number
  clock?: Clock
}

const TTL_MS = 3_600_000
/** The TTL differs by up to this share from write to write, so that what was written together does not expire together. */
const TTL_JITTER = 0.1
const READ_TIMEOUT_MS = 50
/** No request waits for a write, and one that timed out is repeated. */
const WRITE_TIMEOUT_MS = 1_000
/** Keys per step of a purge. */
const PURGE_SCAN_COUNT = 500

/**
 * A cache in Redis whose values carry versions and are only ever replaced by newer ones (docs/architecture.md).
 *
 * @example
 * const cache = createVersionedCache({ redis, prefix: 'fluxo:consolidado', name: 'consolidado', breaker, registry })
 * await cache.setIfNewer([{ key: 'loja-1:2025-10-15', versao: 2, body: '{"saldo":1}' }])
 * await cache.setIfNewer([{ key: 'loja-1:2025-10-15', versao: 1, body: '{}' }]) // changes nothing
 * await cache.get('loja-1:2025-10-15') // version 2
 */
export const createVersionedCache = (deps: VersionedCacheDeps): VersionedCache => {
  const { redis, prefix, breaker, name, registry, clock = systemClock } = deps
  const { timeoutMs = READ_TIMEOUT_MS } = deps
  const metrics = createCacheMetrics(registry, name)
  const run = createServerRun(redis)

  const guarded = <T>(work: () => Promise<T>, limitMs: number): Promise<T> =>
    breaker.execute(() => withTimeout(work(), limitMs, () => new CacheUnavailable(`no reply in ${limitMs} ms`), clock))

  const read = createBatchedGet({
    redis,
    clock,
    guard: (reading) =>
      guarded(async () => {
        if (run.current() === undefined) await run.known()
        return reading()
      }, timeoutMs),
  })

  const lifeMs = (ttlMs: number) => Math.round(ttlMs * (1 + TTL_JITTER * (2 * clock.random() - 1)))
  const write = async (entries: readonly StoredEntry[]): Promise<void> => {
    if (redis.status !== 'ready') throw new CacheUnavailable(redis.status)
    const under = await run.known()
    const set = await guarded(() => setAllIfNewer(redis, { run: under, lifeMs }, entries), WRITE_TIMEOUT_MS)
    metrics.set('written', set)
    metrics.set('outdated', entries.length - set)
  }
  const late = createLateWrites({ write, purge: () => purge(redis, prefix), clock })
  run.onKnown(() => {
    if (late.size() > 0) void late.flush()
  })

  const toStored = ({ key, versao, body, ttlMs = TTL_MS }: CacheEntry): StoredEntry => {
    return { key: `${prefix}:${key}`, versao, body, ttlMs }
  }
  /** Writes what can be written now; says whether that went well. */
  const tryWrite = async (entries: readonly StoredEntry[]): Promise<boolean> => {
    try {
      await write(entries)
      late.written(entries)
      return true
    } catch {
      metrics.set('failed', entries.length)
      return false
    }
  }

  return {
    get: async (key) => {
      if (redis.status !== 'ready') throw new CacheUnavailable(redis.status)
      const stored = `${prefix}:${key}`
      const text = await read(stored).catch(unavailable)
      const found = text === null ? undefined : parseStored(text)
      if (found === undefined) return undefined
      const current = found.run === run.current() && !late.has(stored)
      return { versao: found.versao, body: found.body, current }
    },
    setIfNewer: async (entries) => {
      if (entries.length === 0) return true
      const stored = entries.map(toStored)
      const written = await tryWrite(stored)
      if (!written) late.add(stored)
      return written
    },
    fill: async (entry) => {
      await tryWrite([toStored(entry)])
    },
    count: metrics.request,
    late: late.size,
    close: async () => {
      if (late.size() > 0) await late.flush()
      late.close()
      run.close()
    },
  }
}

const unavailable = (cause: unknown): never => {
  throw cause instanceof CacheUnavailable ? cause : new CacheUnavailable('failed', { cause })
}

/** Removes every key below `prefix`, in steps that let other clients in. */
const purge = async (redis: Redis, prefix: string): Promise<void> => {
  if (redis.status !== 'ready') throw new CacheUnavailable(redis.status)
  const pattern = `${prefix.replaceAll(/[\\*?[\]]/g, '\\$&')}:*`
  for await (const keys of redis.scanStream({ match: pattern, count: PURGE_SCAN_COUNT })) {
    if (Array.isArray(keys) && keys.length > 0) await redis.unlink(...keys)
  }
}
