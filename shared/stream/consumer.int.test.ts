import { redisUrl } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bodyOf, GROUP, range, type StreamFixture, streamFixture } from './stream-fixture.ts'

let stream: StreamFixture
beforeEach(async () => {
  stream = await streamFixture(redisUrl())
})
afterEach(() => stream.close())

const acked = async () => (await stream.pending()).length === 0

test('every entry arrives once, in order and unchanged, and is acked after it was handled', async () => {
  await stream.publish(1, 1_700)
  const consumer = stream.consumer()
  consumer.start()
  await waitFor(() => consumer.positions().length === 1_700, { what: 'all entries' })
  await stream.publish(1_701, 1_703)
  await waitFor(() => consumer.positions().length === 1_703, { what: 'entries that come later' })
  expect(consumer.positions()).toEqual(range(1, 1_703))
  expect(consumer.batches.flat().every(({ posicao, body }) => body === bodyOf(posicao))).toBe(true)
  await waitFor(acked, { what: 'the acks' })
  expect(await stream.counted('fluxo_stream_acked_total')).toBe(1_703)
})

test('what was published before the group existed is read too', async () => {
  await stream.publish(1, 3)
  const consumer = stream.consumer()
  consumer.start()
  await waitFor(() => consumer.positions().length === 3)
})

test('the consumers of a group share the entries, none of them twice', async () => {
  const both = [stream.consumer({ consumer: 'a', countMax: 50 }), stream.consumer({ consumer: 'b', countMax: 50 })]
  for (const consumer of both) consumer.start()
  for (let from = 1; from <= 2_000; from += 100) await stream.publish(from, from + 99)
  const positions = () => both.flatMap((consumer) => consumer.positions())
  await waitFor(() => positions().length >= 2_000, { what: 'all entries' })
  expect(positions().sort((a, b) => a - b)).toEqual(range(1, 2_000))
})

test('while the handler says "not now" nothing is acked or delivered again; then the same batch goes on, in order', async () => {
  const database: { away: boolean } = { away: true }
  const tried: number[][] = []
  const handle = async (entries: { posicao: number }[]) => {
    tried.push(entries.map(({ posicao }) => posicao))
    // A handler may spoil what it was given: the next try gets it whole.
    if (database.away) throw new Error(`database away after ${entries.splice(1).length}`)
  }
  await stream.publish(1, 30)
  const consumer = stream.consumer({ handle, countMax: 10 })
  consumer.start()
  await waitFor(() => tried.length >= 4, { what: 'several attempts' })
  expect(consumer.state()).toBe('paused')
  const rows = await stream.pending()
  // The batch in hand and the one behind it, both delivered once: no count burns while paused.
  expect(rows.length).toBe(20)
  expect(rows.every(([, , , deliveries]) => deliveries === 1)).toBe(true)
  expect(new Set(tried.map(String))).toEqual(new Set([String(range(1, 10))]))
  database.away = false
  await waitFor(() => consumer.positions().length === 30, { what: 'the rest' })
  expect(consumer.positions()).toEqual(range(1, 30))
  expect(consumer.state()).toBe('reading')
  await waitFor(acked, { what: 'the acks' })
})

test('an hour of pause is one line in the log, not one per attempt', async () => {
  let tries = 0
  await stream.publish(1, 1)
  const consumer = stream.consumer({
    handle: async () => {
      tries += 1
      if (tries < 5) throw new Error('database away')
    },
  })
  consumer.start()
  await waitFor(() => consumer.positions().length === 1)
  expect(stream.lines.filter((line) => line.includes('"estado":"pausado"')).length).toBe(1)
})

test('a restarted consumer of the same name begins with what it had not acked, and says which delivery it is', async () => {
  await stream.publish(1, 5)
  await stream.redis.commands.xgroup('CREATE', stream.key, GROUP, '0')
  await stream.redis.commands.xreadgroup('GROUP', GROUP, 'a', 'COUNT', 3, 'STREAMS', stream.key, '>')
  const consumer = stream.consumer()
  consumer.start()
  await waitFor(() => consumer.positions().length === 5)
  expect(consumer.positions()).toEqual(range(1, 5))
  expect(consumer.batches[0]?.map(({ attempts }) => attempts)).toEqual([2, 2, 2])
  expect(consumer.batches[1]?.[0]?.attempts).toBeUndefined()
})

test('what a dead consumer left pending is taken over by a living one, page by page to the end', async () => {
  await stream.publish(1, 250)
  await stream.redis.commands.xgroup('CREATE', stream.key, GROUP, '0')
  await stream.redis.commands.xreadgroup('GROUP', GROUP, 'morto', 'COUNT', 240, 'STREAMS', stream.key, '>')
  const consumer = stream.consumer({ consumer: 'vivo', claimIdleMs: 100, claimEveryMs: 50, blockMs: 100, countMax: 40 })
  consumer.start()
  await waitFor(() => new Set(consumer.positions()).size === 250, { what: 'all entries' })
  await waitFor(acked, { what: 'the acks' })
  expect(await stream.counted('fluxo_stream_reclaimed_total')).toBeGreaterThanOrEqual(240)
})

test('a batch that is still being worked on is not taken over before the idle limit', async () => {
  const release = Promise.withResolvers<void>()
  await stream.publish(1, 10)
  const slow = stream.consumer({ consumer: 'a', handle: () => release.promise })
  slow.start()
  await waitFor(async () => (await stream.pending()).length === 10)
  const other = stream.consumer({ consumer: 'b', claimIdleMs: 60_000, claimEveryMs: 10, blockMs: 20 })
  other.start()
  await waitFor(async () => (await stream.consumerNames()).includes('b'))
  release.resolve()
  await waitFor(() => slow.positions().length === 10)
  expect(other.positions()).toEqual([])
})

test('entries deleted under a dead consumer are reported as gaps, the others are applied', async () => {
  const gaps: number[] = []
  await stream.publish(1, 10)
  await stream.redis.commands.xgroup('CREATE', stream.key, GROUP, '0')
  await stream.redis.commands.xreadgroup('GROUP', GROUP, 'morto', 'STREAMS', stream.key, '>')
  await stream.redis.commands.xtrim(stream.key, 'MINID', '5')
  const onGap = (posicoes: number[]) => void gaps.push(...posicoes)
  const consumer = stream.consumer({ consumer: 'vivo', claimIdleMs: 50, claimEveryMs: 50, blockMs: 50, onGap })
  consumer.start()
  await waitFor(() => consumer.positions().length === 6, { what: 'what is left' })
  expect(gaps).toEqual([1, 2, 3, 4])
  await waitFor(acked, { what: 'the acks' })
  expect(await stream.counted('fluxo_stream_deleted_while_pending_total')).toBe(4)
})

test('entries deleted under this consumer itself are reported as gaps and do not stay pending', async () => {
  const gaps: number[] = []
  await stream.publish(1, 6)
  await stream.redis.commands.xgroup('CREATE', stream.key, GROUP, '0')
  await stream.redis.commands.xreadgroup('GROUP', GROUP, 'a', 'STREAMS', stream.key, '>')
  await stream.redis.commands.xdel(stream.key, '2-0', '3-0')
  const onGap = async (posicoes: number[]) => {
    gaps.push(...posicoes)
    throw new Error('the caller failed')
  }
  const consumer = stream.consumer({ onGap })
  consumer.start()
  await waitFor(() => consumer.positions().length === 4)
  expect(gaps).toEqual([2, 3])
  await waitFor(acked, { what: 'the acks' })
})

test('an entry without our field reaches the handler with an empty body, for the dead letters', async () => {
  await stream.redis.commands.xadd(stream.key, '7-0', 'outro', 'x')
  await stream.redis.commands.xadd(stream.key, '8-0', 'antes', 'x', 'e', '{}')
  const consumer = stream.consumer()
  consumer.start()
  await waitFor(() => consumer.positions().length === 2)
  expect(consumer.batches.flat()).toEqual([
    { posicao: 7, body: '' },
    { posicao: 8, body: '{}' },
  ])
})
