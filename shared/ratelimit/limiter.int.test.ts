import { setImmediate as turn } from 'node:timers/promises'
import { redisUrl, startOwnRedis, uniquePrefix } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { createRedisConnections, type RedisConnections } from '../redis/connection.ts'
import { createLimiter, type Limiter, type LimiterDeps } from './limiter.ts'

const log = pino({ level: 'silent' })
const opened: RedisConnections[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((redis) => redis.close()))
})

const open = async (url = redisUrl()): Promise<RedisConnections> => {
  const redis = createRedisConnections({ url, name: 'teste', log })
  opened.push(redis)
  expect(await redis.ready(10_000)).toBe(true)
  return redis
}

const sample = async (registry: Registry, name: string): Promise<number> =>
  Number(new RegExp(`^${name.replaceAll(/[{}"]/g, '\\$&')} (\\S+)$`, 'm').exec(await registry.metrics())?.[1])

/** An instance of a service: a connection and a limiter of its own. */
const instance = async (prefix: string, change: Partial<LimiterDeps> = {}) => {
  const registry = new Registry()
  const redis = await open()
  const rate = { perSecond: 200, burst: 100 }
  const limiter = createLimiter({
    classe: 'escrita',
    rate,
    instances: 2,
    redis: redis.cache,
    registry,
    prefix,
    ...change,
  })
  return { limiter, redis, registry }
}

/** Asks each limiter as often as the process can for a time; gives how many each admitted, and how long it took. */
const flood = async (limiters: readonly Limiter[], durationMs: number, comerciante = 'loja-1') => {
  const admitted = limiters.map(() => 0)
  let asked = 0
  const began = performance.now()
  while (performance.now() - began < durationMs) {
    asked += limiters.length
    limiters.forEach((limiter, i) => {
      if (limiter.take(comerciante).waitSeconds === 0) admitted[i] = (admitted[i] ?? 0) + 1
    })
    await turn()
  }
  const total = admitted.reduce((sum, n) => sum + n, 0)
  return { admitted, total, asked, seconds: (performance.now() - began) / 1_000 }
}

/** Five per cent of a second's limit for each of two instances, and as much again on its way. */
const BOUND = 4 * 10

test('instances share one limit: together they admit it and no more, and each gets its part', async () => {
  const prefix = uniquePrefix('limite')
  const instances = [await instance(prefix), await instance(prefix)]
  const { admitted, total, seconds } = await flood(
    instances.map(({ limiter }) => limiter),
    2_000,
  )
  const allowed = 100 + 200 * seconds
  expect(total).toBeLessThanOrEqual(allowed + BOUND)
  expect(total).toBeGreaterThan(allowed * 0.7)
  for (const part of admitted) expect(part).toBeGreaterThan(total * 0.25)
})

test('an instance that alone is asked admits all of the limit, not its share', async () => {
  const prefix = uniquePrefix('limite')
  const [busy] = [await instance(prefix), await instance(prefix)]
  const { total, seconds } = await flood([busy.limiter], 1_500)
  expect(total).toBeGreaterThan((100 + 200 * seconds) * 0.8)
  expect(total).toBeLessThanOrEqual(100 + 200 * seconds + BOUND)
})

test('one merchant that is refused takes nothing from another', async () => {
  const { limiter } = await instance(uniquePrefix('limite'))
  const { total, asked } = await flood([limiter], 300, 'ruidosa')
  expect(asked).toBeGreaterThan(total)
  for (let i = 0; i < 100; i += 1) expect(limiter.take('calma').waitSeconds).toBe(0)
})

test('another instance learns of what was spent: a new one refuses a merchant that has used up its limit', async () => {
  const prefix = uniquePrefix('limite')
  const slow = { rate: { perSecond: 1, burst: 40 } }
  const [first, second] = [await instance(prefix, slow), await instance(prefix, slow)]
  await flood([first.limiter], 500)
  // Its own copy is full until it has asked once, after a quantum of one request.
  await waitFor(() => second.limiter.take('loja-1').waitSeconds > 0, { what: 'the second to refuse', intervalMs: 20 })
  const { total, seconds } = await flood([second.limiter], 300)
  expect(total).toBeLessThanOrEqual(2 + seconds)
  const ttl = await first.redis.commands.pttl(`${prefix}:{loja-1}:escrita`)
  expect(ttl).toBeGreaterThan(0)
  expect(ttl).toBeLessThanOrEqual(2 * 40_000 + 1)
})

test('where Redis is away each instance admits its share, and the shared limit holds again when it is back', async () => {
  const own = await startOwnRedis({ appendonly: false })
  const registry = new Registry()
  const redis = await open(own.url)
  let nowMs = 0
  const limiter = createLimiter({
    classe: 'leitura',
    rate: { perSecond: 10, burst: 40 },
    instances: 4,
    redis: redis.cache,
    registry,
    clockMs: () => nowMs,
  })
  const takeAll = () => {
    let admitted = 0
    while (limiter.take('loja-1').waitSeconds === 0) admitted += 1
    return admitted
  }
  await own.stop()
  await waitFor(() => redis.cache.status !== 'ready', { what: 'the connection to be gone' })
  expect(await sample(registry, 'fluxo_limite_local{classe="leitura"}')).toBe(1)
  expect(takeAll()).toBe(10)
  nowMs += 1_000
  expect(takeAll()).toBe(2)
  expect(await sample(registry, 'fluxo_limite_acertos_total{classe="leitura",resultado="falhou"}')).toBe(0)

  const back = await startOwnRedis({ appendonly: false, port: own.port })
  await waitFor(() => redis.cache.status === 'ready', { what: 'the connection to be back' })
  nowMs += 60_000
  limiter.take('loja-1')
  await waitFor(async () => (await redis.commands.exists('fluxo:limite:{loja-1}:leitura')) === 1, { what: 'a booking' })
  expect(await sample(registry, 'fluxo_limite_local{classe="leitura"}')).toBe(0)
  expect(await sample(registry, 'fluxo_limite_acertos_total{classe="leitura",resultado="feito"}')).toBe(1)
  await back.remove()
  await own.remove()
})

test('a Redis that hangs keeps nobody waiting, is asked once a second, and each instance falls back to its share', async () => {
  const own = await startOwnRedis({ appendonly: false })
  const registry = new Registry()
  const redis = await open(own.url)
  const rate = { perSecond: 1, burst: 1_000 }
  const limiter = createLimiter({ classe: 'escrita', rate, instances: 10, redis: redis.cache, registry })
  process.kill(own.pid, 'SIGSTOP')
  try {
    const isLocal = async () => {
      limiter.take('loja-1')
      return (await sample(registry, 'fluxo_limite_local{classe="escrita"}')) === 1
    }
    await waitFor(isLocal, { what: 'the share to be all that is allowed' })
    const began = performance.now()
    let admitted = 0
    while (limiter.take('loja-1').waitSeconds === 0) admitted += 1
    expect(performance.now() - began).toBeLessThan(500)
    expect(admitted).toBeLessThanOrEqual(101)
    expect(admitted).toBeGreaterThan(80)
    const failed = await sample(registry, 'fluxo_limite_acertos_total{classe="escrita",resultado="falhou"}')
    expect(failed).toBeGreaterThanOrEqual(1)
  } finally {
    process.kill(own.pid, 'SIGCONT')
    await own.remove()
  }
})

test('a hostile number of merchants takes a bounded memory', async () => {
  const { limiter, registry } = await instance(uniquePrefix('limite'), { comerciantesMax: 100 })
  for (let i = 0; i < 5_000; i += 1) limiter.take(`loja-${i}`)
  expect(await sample(registry, 'fluxo_limite_comerciantes{classe="escrita"}')).toBe(100)
})
