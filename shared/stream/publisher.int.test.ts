import { startCuttingProxy } from '@fluxo/tests/stage/cutting-proxy'
import { redisUrl, startOwnRedis } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPublisher } from './publisher.ts'
import { bodyOf, range, type StreamFixture, streamFixture } from './stream-fixture.ts'

let stream: StreamFixture
beforeEach(async () => {
  stream = await streamFixture(redisUrl())
})
afterEach(() => stream.close())

const entries = (from: number, to: number) => range(from, to).map((posicao) => ({ posicao, body: bodyOf(posicao) }))

test('entries stand on the stream under their positions, in order, bodies unchanged, across several scripts', async () => {
  expect(await stream.publisher.publish(0, entries(1, 1_201))).toEqual({ added: 1_201, repeated: 0 })
  const list = await stream.redis.commands.xrange(stream.key, '-', '+')
  expect(list.map(([id]) => id)).toEqual(range(1, 1_201).map((posicao) => `${posicao}-0`))
  expect(list.at(-1)?.[1]).toEqual(['e', bodyOf(1_201)])
})

test('publishing again adds nothing and says how many were there', async () => {
  await stream.publish(1, 700)
  expect(await stream.publisher.publish(0, entries(600, 800))).toEqual({ added: 100, repeated: 101 })
  expect(await stream.redis.commands.xlen(stream.key)).toBe(800)
})

test('a publication whose reply is lost and that the client re-sends by itself is not doubled', async () => {
  const proxy = await startCuttingProxy(Number(new URL(redisUrl()).port))
  // ioredis as it comes: it re-sends what was not answered.
  const redis = new Redis(proxy.port, '127.0.0.1')
  redis.on('error', () => {})
  await redis.ping()
  const publisher = createPublisher({ redis, prefix: stream.prefix })
  await publisher.publish(0, entries(1, 10))
  proxy.loseNextReply()
  expect(await publisher.publish(0, entries(11, 60))).toEqual({ added: 0, repeated: 50 })
  expect(proxy.armed()).toBe(false)
  expect(await stream.redis.commands.xlen(stream.key)).toBe(60)
  redis.disconnect()
  await proxy.stop()
})

test('over our connection a lost reply is an error at once, and publishing again completes it', async () => {
  const proxy = await startCuttingProxy(Number(new URL(redisUrl()).port))
  const behind = await streamFixture(`redis://127.0.0.1:${proxy.port}`)
  await behind.publish(1, 10)
  proxy.loseNextReply()
  await expect(behind.publish(11, 60)).rejects.toThrow()
  await waitFor(() => behind.redis.status() === 'up', { what: 'the connection to be back' })
  expect(await behind.publisher.publish(0, entries(11, 61))).toEqual({ added: 1, repeated: 50 })
  await behind.close()
  await proxy.stop()
})

test('what Redis refuses leaves a prefix: nothing after the refusal is on the stream, and publishing again completes it', async () => {
  const own = await startOwnRedis({ appendonly: false })
  const full = await streamFixture(own.url)
  await full.publish(1, 500)
  await full.redis.commands.config('SET', 'maxmemory', '1')
  await expect(full.publish(501, 1_500)).rejects.toThrow(/OOM/)
  expect(await full.redis.commands.xlen(full.key)).toBe(500)
  await full.redis.commands.config('SET', 'maxmemory', '0')
  expect(await full.publisher.publish(0, entries(401, 1_500))).toEqual({ added: 1_000, repeated: 100 })
  await full.close()
  await own.remove()
})

test('a demoted Redis is left at its first refusal: the connection is made anew, to whoever is the master by then', async () => {
  const own = await startOwnRedis({ appendonly: false })
  const demoted = await streamFixture(own.url)
  await demoted.publish(1, 5)
  await demoted.redis.commands.replicaof('127.0.0.1', 1)
  const before = await demoted.redis.commands.client('ID')
  await expect(demoted.publish(6, 9)).rejects.toThrow(/READONLY/)
  await waitFor(async () => (await demoted.redis.commands.replicaof('NO', 'ONE')) === 'OK', { what: 'the promotion' })
  await waitFor(async () => (await demoted.publisher.publish(0, entries(6, 9))).repeated === 4, { what: 'publishing' })
  expect(await demoted.redis.commands.client('ID')).not.toBe(before)
  expect(await demoted.redis.commands.xlen(demoted.key)).toBe(9)
  await demoted.close()
  await own.remove()
})

test('positions out of order are refused before anything is sent', async () => {
  await expect(stream.publisher.publish(0, [...entries(2, 3), ...entries(1, 1)])).rejects.toThrow('invariant')
  await expect(stream.publisher.publish(0, [{ posicao: 0, body: '{}' }])).rejects.toThrow('invariant')
  expect(await stream.redis.commands.exists(stream.key)).toBe(0)
})

test('a server that forgot the script is given it again', async () => {
  await stream.publish(1, 1)
  await stream.redis.commands.script('FLUSH')
  await stream.publish(2, 2)
  expect(await stream.redis.commands.xlen(stream.key)).toBe(2)
})

test('the tail is the last position ever published and the id of its event while that entry is there', async () => {
  const { publisher, redis, key } = stream
  expect(await publisher.tail(0)).toBeUndefined()
  await redis.commands.xgroup('CREATE', key, 'g', '0', 'MKSTREAM')
  expect(await publisher.tail(0)).toEqual({ posicao: 0, id: undefined })
  await stream.publish(1, 3)
  expect(await publisher.tail(0)).toEqual({ posicao: 3, id: 'evento-3' })
  await redis.commands.xdel(key, '3-0')
  expect(await publisher.tail(0)).toEqual({ posicao: 3, id: undefined })
  await redis.commands.xtrim(key, 'MAXLEN', 0)
  expect(await publisher.tail(0)).toEqual({ posicao: 3, id: undefined })
})

test('after a reset the stream begins anew with any position', async () => {
  await stream.publish(1, 50)
  await stream.publisher.reset(0)
  expect(await stream.publisher.tail(0)).toBeUndefined()
  await stream.publish(7, 8)
  expect(await stream.publisher.tail(0)).toEqual({ posicao: 8, id: 'evento-8' })
})
