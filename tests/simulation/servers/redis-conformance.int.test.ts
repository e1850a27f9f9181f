import { setAllIfNewer } from '@fluxo/shared/cache/set-if-newer'
import type { Publisher } from '@fluxo/shared/log/publisher'
import { createRedisConnections, type RedisConnections } from '@fluxo/shared/redis/connection'
import { leaveGroup, openSession, type Session } from '@fluxo/shared/stream/consumer-session'
import { createJanitor, type Janitor } from '@fluxo/shared/stream/janitor'
import { idOfPosicao, streamKey } from '@fluxo/shared/stream/keys'
import { createPublisher } from '@fluxo/shared/stream/publisher'
import type { Redis } from 'ioredis'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startOwnRedis } from '../../stage/databases.ts'
import { createRandom, type Random } from '../../stage/random.ts'
import { SILENT } from '../silent.ts'
import { type Bench, createBench, outcomeOf } from './bench-fixture.ts'
import { createSimulatedRedis } from './redis-client.ts'
import { SCRIPTS } from './redis-scripts.ts'
import { createRedisServer } from './redis-server.ts'

const GROUP = 'consolidado'
const CONSUMERS = ['a', 'b', 'c'] as const
const COUNT_MAX = 4
const SEQUENCES = 12
const STEPS = 90
const NEVER_MS = 1_000_000_000
const POSITIONS_MAX = 40

let own: Awaited<ReturnType<typeof startOwnRedis>>
let real: RedisConnections

beforeAll(async () => {
  own = await startOwnRedis({ appendonly: false })
  real = createRedisConnections({ url: own.url, name: 'conformance', log: SILENT })
  await real.ready(10_000)
  // Redis trims whole nodes only: with one entry a node it trims as exactly as the simulation does.
  await real.commands.config('SET', 'stream-node-max-entries', 1)
})
afterAll(async () => {
  await real.close()
  await own.remove()
})

type Server = {
  redis: Redis
  publisher: Publisher
  sessions: ReadonlyMap<string, Session>
  janitors: { all: Janitor; none: Janitor }
  settle: <T>(work: Promise<T>) => Promise<T>
}

const readingOf = (prefix: string, consumer: string) => {
  return { key: streamKey(prefix, 0), group: GROUP, consumer, countMax: COUNT_MAX, blockMs: 1, claimIdleMs: 0 }
}

async function serverOf(connections: RedisConnections, prefix: string, bench?: Bench): Promise<Server> {
  const settle = bench?.settle ?? (<T>(work: Promise<T>) => work)
  const clock = bench?.process.clock
  const sessions = new Map<string, Session>()
  for (const consumer of CONSUMERS) {
    sessions.set(consumer, await settle(openSession(connections.blocking(), readingOf(prefix, consumer), clock)))
  }
  const janitor = (deadConsumerIdleMs: number) => {
    const deps = { redis: connections.commands, prefix, particoes: 1, groups: [GROUP], log: SILENT }
    return createJanitor({ ...deps, deadConsumerIdleMs, registry: new Registry() })
  }
  const publisher = createPublisher({ redis: connections.commands, prefix })
  return {
    redis: connections.commands,
    publisher,
    sessions,
    janitors: { all: janitor(-1), none: janitor(NEVER_MS) },
    settle,
  }
}

type Step = (server: Server, prefix: string) => Promise<unknown>

/** One thing that the product does to Redis, the same for both servers. */
function stepOf(random: Random): Step {
  const consumer = random.pick(CONSUMERS)
  const from = random.int(1, POSITIONS_MAX)
  const entries = Array.from({ length: random.int(1, 6) }, (_, i) => ({
    posicao: from + i,
    body: `{"id":"${from + i}"}`,
  }))
  const ids = entries.map(({ posicao }) => idOfPosicao(posicao))
  const versao = random.int(1, 6)
  const session = (server: Server): Session => {
    const found = server.sessions.get(consumer)
    if (found === undefined) throw new Error('invariant: every consumer has a session')
    return found
  }
  return random.pick<Step>([
    (server) => server.publisher.publish(0, entries),
    (server) => server.publisher.publish(0, entries),
    (server) => server.publisher.tail(0),
    (server) => server.publisher.length(0),
    (server) => session(server).ensureGroup(),
    (server) => session(server).readNew(),
    (server) => session(server).readNew(),
    (server) => session(server).readOwn(),
    (server) => session(server).claim(random.chance(0.8) ? '0-0' : idOfPosicao(from)),
    (server, prefix) => server.redis.xack(streamKey(prefix, 0), GROUP, ...ids),
    (server, prefix) => leaveGroup(server.redis, readingOf(prefix, consumer)),
    // Whether a read that found nothing makes its consumer differs between versions of Redis; nothing depends on it.
    async (server) => (await server.janitors.all.sweep(0)).trimmed,
    async (server) => (await server.janitors.none.sweep(0)).trimmed,
    (server) => (from === 1 ? server.publisher.reset(0) : server.publisher.length(0)),
    (server, prefix) => {
      const stored = ['k', 'l'].map((key) => ({
        key: `${prefix}:${key}`,
        versao: versao + key.length,
        body: `${from}`,
        ttlMs: 60_000,
      }))
      return setAllIfNewer(server.redis, { run: random.pick(['r1', 'r1', 'r2']), lifeMs: (ttlMs) => ttlMs }, stored)
    },
    (server, prefix) => server.redis.mget(`${prefix}:k`, `${prefix}:l`),
  ])
}

test.each(Array.from({ length: SEQUENCES }, (_, i) => i + 1))(
  'sequence %i: the simulated Redis answers as a real one',
  async (seed) => {
    const bench = createBench()
    const { scheduler, process, wire } = bench
    const after = (ms: number, run: () => void) => void scheduler.after(ms, run)
    const server = createRedisServer({ now: scheduler.now, after, tellsDeleted: false, scripts: SCRIPTS })
    const simulated = createSimulatedRedis({ wire, server, process })
    await scheduler.runUntil(scheduler.now() + 10, () => simulated.status() === 'up')
    const prefix = `conformance-${seed}`
    const servers = [await serverOf(real, prefix), await serverOf(simulated, prefix, bench)] as const
    for (let step = 0; step < STEPS; step += 1) {
      const [actual, answer] = await Promise.all(
        servers.map((one) => outcomeOf(one.settle(stepOf(createRandom(seed, `step ${step}`))(one, prefix)))),
      )
      expect(answer, `step ${step}`).toEqual(actual)
    }
    for (const session of servers.flatMap(({ sessions }) => [...sessions.values()])) session.close()
  },
)
