import { redisUrl } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createJanitor, type Janitor } from './janitor.ts'
import { GROUP, range, type StreamFixture, streamFixture } from './stream-fixture.ts'

let stream: StreamFixture
beforeEach(async () => {
  stream = await streamFixture(redisUrl())
})
afterEach(() => stream.close())

const janitor = (options: { groups?: string[]; deadConsumerIdleMs?: number; everyMs?: number } = {}): Janitor => {
  const { prefix, registry } = stream
  const log = { warn: () => {} } as never
  return createJanitor({
    redis: stream.redis.commands,
    prefix,
    particoes: 1,
    groups: [GROUP],
    log,
    registry,
    ...options,
  })
}
const commands = () => stream.redis.commands
const first = async () => Number((await commands().xrange(stream.key, '-', '+', 'COUNT', 1))[0]?.[0].split('-')[0])
const read = (group: string, consumer: string, count: number) =>
  commands().xreadgroup('GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream.key, '>')
const ack = async (group: string, from: number, to: number) => {
  for (let low = from; low <= to; low += 1_000) {
    const ids = range(low, Math.min(low + 999, to)).map((posicao) => `${posicao}-0`)
    await commands().xack(stream.key, group, ...ids)
  }
}
/** Trimming is by whole nodes: up to this many entries that could go may stay (stream-node-max-entries, 4 KB a node). */
const NODE_ENTRIES_MAX = 100

test('entries that every group acked go; nothing that any group still needs does', async () => {
  await stream.publish(1, 3_000)
  await commands().xgroup('CREATE', stream.key, GROUP, '0')
  await commands().xgroup('CREATE', stream.key, 'outro', '0')
  await read(GROUP, 'a', 3_000)
  await ack(GROUP, 1, 3_000)
  expect(await janitor().sweep(0)).toEqual({ trimmed: 0, consumers: 0 })

  await read('outro', 'b', 2_000)
  await ack('outro', 1, 999)
  await ack('outro', 1_001, 2_000)
  await janitor().sweep(0)
  // 1000 is pending with the other group: the first entry that is still needed.
  expect(await first()).toBeLessThanOrEqual(1_000)
  expect(await first()).toBeGreaterThan(1_000 - NODE_ENTRIES_MAX)

  await ack('outro', 1_000, 1_000)
  await janitor().sweep(0)
  expect(await first()).toBeLessThanOrEqual(2_001)
  expect(await first()).toBeGreaterThan(2_001 - NODE_ENTRIES_MAX)
})

test('a long backlog is trimmed in several short calls, and the last entry always stays', async () => {
  await stream.publish(1, 25_000)
  await commands().xgroup('CREATE', stream.key, GROUP, '0')
  for (let page = 0; page < 5; page += 1) await read(GROUP, 'a', 5_000)
  await ack(GROUP, 1, 25_000)
  expect((await janitor().sweep(0)).trimmed).toBeGreaterThan(25_000 - NODE_ENTRIES_MAX)
  expect(await stream.publisher.tail(0)).toEqual({ posicao: 25_000, id: 'evento-25000' })
  expect(await stream.counted('fluxo_stream_trimmed_total')).toBeGreaterThan(24_900)
})

test('without a group, and without a group that has to be there, nothing is trimmed', async () => {
  await stream.publish(1, 500)
  expect((await janitor({ groups: [] }).sweep(0)).trimmed).toBe(0)
  await commands().xgroup('CREATE', stream.key, 'outro', '$')
  expect((await janitor().sweep(0)).trimmed).toBe(0)
  expect((await janitor({ groups: ['outro'] }).sweep(0)).trimmed).toBeGreaterThan(0)
})

test('a group that has to be there and never comes does not hold back a long stream', async () => {
  await stream.publish(1, 100_000)
  await commands().xgroup('CREATE', stream.key, 'outro', '$')
  expect((await janitor().sweep(0)).trimmed).toBe(0)
  await stream.publish(100_001, 100_001)
  expect((await janitor().sweep(0)).trimmed).toBeGreaterThan(0)
  expect(await stream.publisher.length(0)).toBeLessThanOrEqual(100_000)
})

test('a stream that does not exist is swept without a word', async () => {
  expect(await janitor().sweep(0)).toEqual({ trimmed: 0, consumers: 0 })
  expect(await commands().exists(stream.key)).toBe(0)
})

test('a dead consumer goes when nothing is pending; one that holds entries stays, however long it has been idle', async () => {
  await stream.publish(1, 4)
  await commands().xgroup('CREATE', stream.key, GROUP, '0')
  await read(GROUP, 'vazio', 2)
  await read(GROUP, 'devedor', 2)
  await ack(GROUP, 1, 2)
  await waitFor(async () => (await stream.pending()).every(([, , idleMs]) => idleMs > 50), { what: 'both to be idle' })
  expect(await janitor({ deadConsumerIdleMs: 20 }).sweep(0)).toEqual({ trimmed: 0, consumers: 1 })
  expect(await stream.consumerNames()).toEqual(['devedor'])
  expect((await stream.pending()).map(([id]) => id)).toEqual(['3-0', '4-0'])
})

test('a consumer that is only quiet survives its removal: its next entries arrive', async () => {
  const consumer = stream.consumer({ blockMs: 5_000 })
  consumer.start()
  await stream.publish(1, 2)
  await waitFor(async () => consumer.positions().length === 2 && (await stream.pending()).length === 0)
  await waitFor(async () => {
    await janitor({ deadConsumerIdleMs: 0 }).sweep(0)
    return (await stream.consumerNames()).length === 0
  })
  await stream.publish(3, 4)
  await waitFor(() => consumer.positions().length === 4)
  await waitFor(async () => (await stream.pending()).length === 0)
})

test('trimming beside readers at full speed never takes an entry that was not acked', async () => {
  const gaps: number[] = []
  const onGap = (posicoes: number[]) => void gaps.push(...posicoes)
  const readers = ['a', 'b'].map((consumer) => stream.consumer({ consumer, countMax: 100, onGap, blockMs: 50 }))
  const sweeper = janitor({ everyMs: 2 })
  sweeper.start()
  for (const reader of readers) reader.start()
  for (let from = 1; from <= 20_000; from += 500) await stream.publish(from, from + 499)
  const seen = () => readers.flatMap((reader) => reader.positions())
  await waitFor(() => seen().length >= 20_000, { what: 'all entries' })
  expect(seen().sort((a, b) => a - b)).toEqual(range(1, 20_000))
  expect(gaps).toEqual([])
  await waitFor(async () => (await stream.publisher.length(0)) < 1_000, { what: 'the stream to be short' })
  await sweeper.stop()
})
