import { startOwnPostgres, startOwnRedis, uniquePrefix } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createQueryStage, type QueryStage } from '../../test/query-stage.ts'

let redis: Awaited<ReturnType<typeof startOwnRedis>>
let postgres: Awaited<ReturnType<typeof startOwnPostgres>>
let stage: QueryStage
const day = '/consolidado/2025-10-15'
/** The pool finds a server that is back when it next tries: its own pace decides. */
vi.setConfig({ testTimeout: 90_000 })
const ROUND_TRIP = { timeoutMs: 40_000, timeout: 40_000 }

beforeAll(async () => {
  ;[redis, postgres] = await Promise.all([startOwnRedis(), startOwnPostgres()])
  stage = await createQueryStage({ redis: redis.url, postgres: postgres.url() })
})
afterAll(async () => {
  await stage.close()
  await Promise.all([redis.remove(), postgres.remove()])
})
beforeEach(async () => {
  await waitFor(async () => stage.redis.status === 'ready' && (await stage.store.isAvailable()), ROUND_TRIP)
}, 60_000)

/** Ends a server until the returned function starts it again on the same port with the same data. */
const stopRedis = async () => {
  const { port, dir, remove } = redis
  await redis.stop()
  await waitFor(() => stage.redis.status !== 'ready')
  return async () => {
    const other = await startOwnRedis({ port, dir: `${dir}/redis` })
    redis = { ...other, dir, remove: () => other.remove().then(remove) }
  }
}
const stopPostgres = async () => {
  const { port, dir, remove } = postgres
  await postgres.stop()
  return async () => {
    const other = await startOwnPostgres({ port, dataDir: `${dir}/postgres` })
    postgres = { ...other, dir, remove: () => other.remove().then(remove) }
  }
}

const cachedMerchant = async () => {
  const comercianteId = uniquePrefix('loja')
  await stage.projetar({ comercianteId, creditos: 100n })
  const ask = await stage.askAs(comercianteId)
  await expect.poll(async () => (await ask(day)).headers.get('fluxo-cache'), ROUND_TRIP).toBe('hit')
  return { comercianteId, ask }
}
const summary = async (answer: Response) => {
  const body = (await answer.json()) as { total_creditos?: number; codigo?: string }
  return [answer.status, answer.headers.get('fluxo-cache'), body.total_creditos ?? body.codigo]
}

describe('Redis is away', () => {
  it('reads go to PostgreSQL, and come back to the cache without showing what it held before', async () => {
    const { comercianteId, ask } = await cachedMerchant()
    const launch = await stopRedis()
    expect(await summary(await ask(day))).toEqual([200, 'bypass', 1])
    // What the consumer would do meanwhile, by pulling: the cache cannot hear of it.
    await stage.projetar({ comercianteId, creditos: 200n })
    expect(await summary(await ask(day))).toEqual([200, 'bypass', 2])
    await launch()
    await waitFor(() => stage.redis.status === 'ready')
    expect((await summary(await ask(day)))[2]).toBe(2)
    await expect.poll(async () => summary(await ask(day)), ROUND_TRIP).toEqual([200, 'hit', 2])
  })
})

describe('PostgreSQL is away', () => {
  it('cached days are answered and marked stale, others are 503 with Retry-After', async () => {
    const { ask } = await cachedMerchant()
    const launch = await stopPostgres()
    await expect.poll(async () => summary(await ask(day)), ROUND_TRIP).toEqual([200, 'stale', 1])
    for (const path of ['/consolidado/2025-10-16', '/consolidado?de=2025-10-01&ate=2025-10-31']) {
      const answer = await ask(path)
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
      expect(await summary(answer)).toEqual([503, null, 'consolidado-indisponivel'])
    }
    const wait = await ask(day, { 'fluxo-posicao': '0:1' })
    expect(await summary(wait)).toEqual([503, null, 'consolidado-indisponivel'])
    await launch()
    await expect.poll(async () => summary(await ask(day)), ROUND_TRIP).toEqual([200, 'hit', 1])
    await expect.poll(async () => (await ask('/consolidado/2025-10-16')).status, ROUND_TRIP).toBe(200)
  })

  it('a request is told so quickly, however many come', async () => {
    const { ask } = await cachedMerchant()
    const launch = await stopPostgres()
    const startedAt = performance.now()
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => ask(`/consolidado/2024-01-${String((i % 28) + 1).padStart(2, '0')}`)),
    )
    const tookMs = performance.now() - startedAt
    // The next tests need it back, whatever this one found.
    await launch()
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
    // Two seconds on a quiet machine; each waiting for the one before it would be minutes.
    expect(tookMs).toBeLessThan(15_000)
  })
})

describe('both are away', () => {
  it('503 with Retry-After, and the answer again once they are back', async () => {
    const { ask } = await cachedMerchant()
    const [startRedis, startPostgres] = [await stopRedis(), await stopPostgres()]
    const answer = await ask(day)
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    expect(await summary(answer)).toEqual([503, null, 'consolidado-indisponivel'])
    await Promise.all([startRedis(), startPostgres()])
    await expect.poll(async () => summary(await ask(day)), ROUND_TRIP).toEqual([200, 'hit', 1])
  })

  it('a cache that came back first is better than nothing: its last value, marked stale', async () => {
    const { ask } = await cachedMerchant()
    const [startRedis, startPostgres] = [await stopRedis(), await stopPostgres()]
    await startRedis()
    await waitFor(() => stage.redis.status === 'ready')
    expect(await summary(await ask(day))).toEqual([200, 'stale', 1])
    await startPostgres()
    await expect.poll(async () => summary(await ask(day)), ROUND_TRIP).toEqual([200, 'hit', 1])
  })
})
