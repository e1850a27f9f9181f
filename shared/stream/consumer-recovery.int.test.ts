import { startCuttingProxy } from '@fluxo/tests/stage/cutting-proxy'
import { redisUrl, startOwnRedis } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createRedisConnections } from '../redis/connection.ts'
import { range, type StreamFixture, streamFixture } from './stream-fixture.ts'

let stream: StreamFixture
beforeEach(async () => {
  stream = await streamFixture(redisUrl())
})
afterEach(() => stream.close())

const acked = async (of: StreamFixture = stream) => (await of.pending()).length === 0
const proxied = async () => {
  const proxy = await startCuttingProxy(Number(new URL(redisUrl()).port))
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const redis = createRedisConnections({ url: `redis://127.0.0.1:${proxy.port}`, name: 'fio', log: log as never })
  const stop = async () => {
    await redis.close()
    await proxy.stop()
  }
  return { proxy, redis, stop }
}

test('a connection killed under a blocked read strands nothing', async () => {
  const consumer = stream.consumer({ blockMs: 10_000 })
  consumer.start()
  await waitFor(() => consumer.state() === 'reading')
  for (let round = 0; round < 10; round += 1) {
    const list = String(await stream.redis.commands.client('LIST')).split('\n')
    const readers = list.filter((line) => line.includes('name=teste-leitor')).map((line) => /id=(\d+)/.exec(line)?.[1])
    const kills = readers.map((id) => stream.redis.commands.client('KILL', 'ID', String(id)))
    await Promise.all([...kills, stream.publish(round * 20 + 1, round * 20 + 20)])
    await waitFor(() => new Set(consumer.positions()).size === (round + 1) * 20, { what: `round ${round}` })
  }
  await waitFor(acked, { what: 'the acks' })
})

test('entries delivered in a reply that is lost are read again by the same consumer, without waiting to be reclaimed', async () => {
  const wire = await proxied()
  const consumer = stream.consumer({ blocking: wire.redis.blocking, claimIdleMs: 600_000 })
  consumer.start()
  await waitFor(() => consumer.state() === 'reading')
  wire.proxy.loseNextReply()
  await stream.publish(1, 5)
  await waitFor(() => !wire.proxy.armed(), { what: 'the reply to be lost' })
  await waitFor(() => consumer.positions().length === 5)
  await waitFor(acked, { what: 'the acks' })
  await consumer.stop()
  await wire.stop()
})

test('an ack whose reply is lost is sent again; the batch is not applied again', async () => {
  const wire = await proxied()
  const consumer = stream.consumer({
    redis: wire.redis.commands,
    handle: async (entries) => {
      if (entries[0]?.posicao === 1) wire.proxy.loseNextReply()
    },
  })
  await wire.redis.ready(5_000)
  await stream.publish(1, 5)
  consumer.start()
  await waitFor(() => consumer.positions().length === 5)
  await stream.publish(6, 8)
  await waitFor(() => consumer.positions().length === 8)
  await waitFor(acked, { what: 'the acks' })
  expect(wire.proxy.armed()).toBe(false)
  expect(consumer.positions()).toEqual(range(1, 8))
  await consumer.stop()
  await wire.stop()
})

test('while acks do not get through no more than one batch is applied beyond them, and the state says why', async () => {
  const wire = await proxied()
  const consumer = stream.consumer({ redis: wire.redis.commands, countMax: 5, handle: async () => wire.proxy.refuse() })
  await wire.redis.ready(5_000)
  await stream.publish(1, 20)
  consumer.start()
  await waitFor(() => consumer.state() === 'no-redis' && consumer.positions().length === 10)
  await consumer.stop()
  expect(consumer.positions()).toEqual(range(1, 10))
  expect((await stream.pending()).length).toBeLessThanOrEqual(15)
  await wire.stop()
})

test('after FLUSHALL the group is made anew from the start and every entry published since then is read', async () => {
  const own = await startOwnRedis({ appendonly: false })
  const flushed = await streamFixture(own.url)
  const consumer = flushed.consumer()
  consumer.start()
  await flushed.publish(1, 10)
  await waitFor(() => consumer.positions().length === 10)
  await flushed.redis.commands.flushall()
  // The positions in between are nowhere in Redis: whoever keeps the positions sees the gap 11..20.
  await flushed.publish(21, 30)
  await waitFor(() => consumer.positions().length === 20, { what: 'the new entries' })
  expect(consumer.positions()).toEqual([...range(1, 10), ...range(21, 30)])
  expect(await flushed.counted('fluxo_stream_group_recreated_total')).toBe(1)
  await waitFor(() => acked(flushed), { what: 'the acks' })
  await flushed.close()
  await own.remove()
})

test('a stream that keeps vanishing does not make the loop hot', async () => {
  const consumer = stream.consumer({ blockMs: 50 })
  consumer.start()
  await waitFor(() => consumer.state() === 'reading')
  const begin = performance.now()
  while (performance.now() - begin < 500) await stream.redis.commands.unlink(stream.key)
  expect(await stream.counted('fluxo_stream_read_errors_total')).toBeLessThan(30)
  await stream.publish(1, 3)
  await waitFor(() => consumer.positions().length === 3)
})

test('a Redis that is stopped and started again is found again without help, with everything that was pending', async () => {
  const own = await startOwnRedis()
  const restarted = await streamFixture(own.url)
  const consumer = restarted.consumer()
  consumer.start()
  await restarted.publish(1, 10)
  await waitFor(() => consumer.positions().length === 10)
  await own.stop()
  await waitFor(() => consumer.state() === 'no-redis')
  const again = await startOwnRedis({ dir: `${own.dir}/redis`, port: own.port })
  await waitFor(() => consumer.state() === 'reading', { what: 'the consumer to read again' })
  await waitFor(() => restarted.redis.status() === 'up')
  await restarted.publish(11, 20)
  await waitFor(() => new Set(consumer.positions()).size === 20)
  await waitFor(() => acked(restarted), { what: 'the acks' })
  expect(restarted.lines.filter((line) => line.includes('"estado":"sem-redis"')).length).toBe(1)
  await restarted.close()
  await again.remove()
  await own.remove()
})

test('a Redis that accepts and then says nothing is given up by the watchdog and read again when it answers', async () => {
  const own = await startOwnRedis({ appendonly: false })
  const hung = await streamFixture(own.url)
  const consumer = hung.consumer({ blockMs: 100 })
  consumer.start()
  await hung.publish(1, 3)
  await waitFor(() => consumer.positions().length === 3)
  process.kill(own.pid, 'SIGSTOP')
  await waitFor(() => consumer.state() === 'no-redis', { what: 'the watchdog' })
  process.kill(own.pid, 'SIGCONT')
  await waitFor(() => consumer.state() === 'reading', { what: 'the consumer to read again' })
  await waitFor(async () => (await hung.redis.ready(100)) === true)
  await hung.publish(4, 6)
  await waitFor(() => new Set(consumer.positions()).size === 6)
  await hung.close()
  await own.remove()
})
