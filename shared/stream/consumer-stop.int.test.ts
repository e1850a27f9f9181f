import { redisUrl, startOwnRedis } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { range, type StreamFixture, streamFixture } from './stream-fixture.ts'

let stream: StreamFixture
beforeEach(async () => {
  stream = await streamFixture(redisUrl())
})
afterEach(() => stream.close())

/** What a stop may take beside the batch in hand. */
const STOP_MS_MAX = 1_000

const timed = async (work: Promise<unknown>) => {
  const begin = performance.now()
  await work
  return performance.now() - begin
}
const blockedClients = async () => {
  const list = String(await stream.redis.commands.client('LIST'))
  return list.split('\n').filter((line) => line.includes('cmd=xreadgroup') && line.includes('flags=b')).length
}

test('a stop ends a blocked read at once, and a consumer with nothing pending leaves its group', async () => {
  const consumer = stream.consumer({ blockMs: 20_000 })
  consumer.start()
  await waitFor(async () => (await blockedClients()) >= 1, { what: 'the blocked read' })
  expect(await timed(consumer.stop())).toBeLessThan(STOP_MS_MAX)
  expect(consumer.state()).toBe('stopped')
  expect(await stream.consumerNames()).toEqual([])
})

test('entries that arrive while it stops are neither lost nor stranded', async () => {
  for (let round = 0; round < 20; round += 1) {
    const consumer = stream.consumer({ consumer: `rodada-${round}` })
    consumer.start()
    await waitFor(() => consumer.state() === 'reading')
    await Promise.all([consumer.stop(), stream.publish(round * 10 + 1, round * 10 + 10)])
  }
  const last = stream.consumer({ consumer: 'ultimo', claimIdleMs: 20, claimEveryMs: 20, blockMs: 50 })
  last.start()
  await waitFor(
    async () => (await stream.pending()).length === 0 && (await stream.counted('fluxo_stream_acked_total')) === 200,
    {
      what: 'all entries to be acked once',
    },
  )
})

test('a stop finishes and acks the batch in hand', async () => {
  const begun = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  await stream.publish(1, 20)
  const consumer = stream.consumer({
    handle: () => {
      begun.resolve()
      return release.promise
    },
  })
  consumer.start()
  await begun.promise
  const stopped = consumer.stop()
  release.resolve()
  await stopped
  expect(consumer.positions()).toEqual(range(1, 20))
  expect(await stream.pending()).toEqual([])
  expect(await stream.consumerNames()).toEqual([])
})

test('a paused consumer stops at once and stays in the group, so that what it holds is taken over', async () => {
  await stream.publish(1, 20)
  const paused = stream.consumer({ consumer: 'pausado', handle: () => Promise.reject(new Error('database away')) })
  paused.start()
  await waitFor(() => paused.state() === 'paused')
  expect(await timed(paused.stop())).toBeLessThan(STOP_MS_MAX)
  expect(await stream.consumerNames()).toEqual(['pausado'])
  expect((await stream.pending()).length).toBe(20)

  const heir = stream.consumer({ consumer: 'herdeiro', claimIdleMs: 20, claimEveryMs: 20, blockMs: 50 })
  heir.start()
  await waitFor(() => heir.positions().length === 20)
})

test('stopping twice, stopping before the start and starting twice are harmless', async () => {
  const never = stream.consumer()
  await never.stop()
  expect(() => never.start()).toThrow('invariant')
  const consumer = stream.consumer()
  consumer.start()
  consumer.start()
  await Promise.all([consumer.stop(), consumer.stop()])
  await consumer.stop()
  expect(consumer.state()).toBe('stopped')
})

test('a stop is quick while Redis hangs and while it is away', async () => {
  const own = await startOwnRedis({ appendonly: false })
  const hung = await streamFixture(own.url)
  const consumer = hung.consumer({ blockMs: 20_000 })
  consumer.start()
  await waitFor(() => consumer.state() === 'reading')
  process.kill(own.pid, 'SIGSTOP')
  expect(await timed(consumer.stop())).toBeLessThan(STOP_MS_MAX)

  const opening = hung.consumer({ consumer: 'b' })
  opening.start()
  expect(await timed(opening.stop())).toBeLessThan(STOP_MS_MAX)
  process.kill(own.pid, 'SIGCONT')

  await own.stop()
  const alone = hung.consumer({ consumer: 'c' })
  alone.start()
  await waitFor(() => hung.redis.status() === 'down')
  expect(alone.state()).toBe('no-redis')
  expect(await timed(alone.stop())).toBeLessThan(STOP_MS_MAX)
  await hung.close()
  await own.remove()
})
