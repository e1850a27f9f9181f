import { uniquePrefix } from '@fluxo/tests/stage/databases'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Publisher } from '../log/publisher.ts'
import { createRedisConnections, type RedisConnections } from '../redis/connection.ts'
import { type Consumer, type ConsumerOptions, createConsumer } from './consumer.ts'
import { streamKey } from './keys.ts'
import { createPublisher } from './publisher.ts'
import type { Entry } from './reply.ts'

/** Name of the group in these tests. */
export const GROUP = 'consolidado'
const READY_TIMEOUT_MS = 5_000

/** One test's stream on a real Redis, with what is needed to publish to it, consume it and look at it. Test tool. */
export type StreamFixture = {
  redis: RedisConnections
  prefix: string
  key: string
  registry: Registry
  publisher: Publisher
  /** Log lines written so far. */
  lines: string[]
  publish(from: number, to: number): Promise<void>
  /** A consumer that was not started yet, and what it was given. `close` stops it. */
  consumer(options?: Partial<ConsumerOptions>): Consumer & { batches: Entry[][]; positions(): number[] }
  /** Pending entries of the group as rows of id, consumer, idle ms, deliveries. */
  pending(): Promise<[string, string, number, number][]>
  consumerNames(): Promise<string[]>
  /** Value of a counter over all its labels. */
  counted(name: string): Promise<number>
  close(): Promise<void>
}

/** Connects to the Redis at `url` under a prefix that no other test has. */
export async function streamFixture(url: string): Promise<StreamFixture> {
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const redis = createRedisConnections({ url, name: 'teste', log })
  await redis.ready(READY_TIMEOUT_MS)
  const prefix = uniquePrefix('stream')
  const key = streamKey(prefix, 0)
  const registry = new Registry()
  const publisher = createPublisher({ redis: redis.commands, prefix })
  const consumers: Consumer[] = []

  const consumer: StreamFixture['consumer'] = (options = {}) => {
    const batches: Entry[][] = []
    const handle = async (entries: Entry[]) => {
      await options.handle?.(entries)
      batches.push(entries)
    }
    const made = createConsumer({
      blocking: redis.blocking,
      redis: redis.commands,
      prefix,
      particao: 0,
      group: GROUP,
      consumer: 'a',
      blockMs: 500,
      onGap: () => {},
      log,
      registry,
      ...options,
      handle,
    })
    consumers.push(made)
    return { ...made, batches, positions: () => batches.flat().map(({ posicao }) => posicao) }
  }
  return {
    redis,
    prefix,
    key,
    registry,
    publisher,
    lines,
    publish: async (from, to) => {
      const entries = range(from, to).map((posicao) => ({ posicao, body: bodyOf(posicao) }))
      await publisher.publish(0, entries)
    },
    consumer,
    pending: async () => {
      const rows = await redis.commands.xpending(key, GROUP, '-', '+', 10_000)
      return rows as [string, string, number, number][]
    },
    consumerNames: async () => {
      const rows = (await redis.commands.xinfo('CONSUMERS', key, GROUP)) as unknown[][]
      return rows.map((row) => String(row[1]))
    },
    counted: async (name) => {
      const metric = await registry.getSingleMetric(name)?.get()
      return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0)
    },
    close: async () => {
      await Promise.all(consumers.map((one) => one.stop()))
      if (redis.status() === 'up') await redis.commands.unlink(key)
      await redis.close()
    },
  }
}

/** Positions `from` to `to`, both included. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

/** Body of the entry that the fixture publishes at a position. */
export function bodyOf(posicao: number): string {
  return JSON.stringify({ id: `evento-${posicao}`, data: { valor: '1.00', nota: 'ação' } })
}
