import { startCuttingProxy } from '@fluxo/tests/stage/cutting-proxy'
import { createTlsHouse, SERVER_NAME, type TlsHouse } from '@fluxo/tests/stage/tls-servers'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createRedisConnections, type RedisConnections } from './connection.ts'

let house: TlsHouse
let server: Awaited<ReturnType<TlsHouse['redis']>>
beforeAll(async () => {
  house = await createTlsHouse()
  server = await house.redis()
})
afterAll(() => house.close())
beforeEach(({ skip }) => skip(server === undefined, 'this Redis was built without TLS'))

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const open = (url: string): { redis: RedisConnections; log: () => string } => {
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const redis = createRedisConnections({ url, name: 'tls', log })
  closers.push(() => redis.close())
  return { redis, log: () => lines.join('') }
}
const address = (root: string | undefined, { host = SERVER_NAME, port = server?.tlsPort } = {}): string =>
  `rediss://${host}:${port}${root === undefined ? '' : `?sslrootcert=${encodeURIComponent(root)}`}`

test('by its authority and its name, every kind of connection is encrypted and works', async () => {
  const { redis } = open(address(house.ca))
  expect(await redis.ready(5_000)).toBe(true)
  const large = 'ção'.repeat(200_000)
  await redis.cache.set('grande', large)
  expect(await redis.cache.get('grande')).toBe(large)
  const reader = redis.blocking()
  const [read] = await Promise.all([reader.blpop('fila', 5), redis.commands.rpush('fila', 'x')])
  expect(read).toEqual(['fila', 'x'])
  // The server has no other way in for these than its port of TLS.
  const clients = String(await redis.commands.client('LIST'))
    .trim()
    .split('\n')
  const ours = clients.filter((line) => line.includes('name=tls-'))
  expect(ours.length).toBe(3)
  for (const line of ours) expect(line).toContain(`laddr=127.0.0.1:${server?.tlsPort}`)
})

const refused: readonly [string, string, () => string][] = [
  ['another authority', 'signature', () => address(house.otherCa)],
  ['an address that it is not made out to', 'IP: 127.0.0.1', () => address(house.ca, { host: '127.0.0.1' })],
  ["Node's own authorities", 'certificate', () => address(undefined)],
]
test.each(refused)('under %s it is refused: the service goes on without Redis, and says why', async (_, why, url) => {
  const { redis, log } = open(url())
  expect(await redis.ready(1_000)).toBe(false)
  await expect(redis.commands.ping()).rejects.toThrow()
  expect(redis.status()).toBe('down')
  expect(log()).toContain(why)
})

test('an authority without TLS is a mistake, and nothing is sent in clear', () => {
  expect(() => open(address(house.ca).replace('rediss:', 'redis:'))).toThrow('needs rediss://')
})

describe('a half-open connection', () => {
  const lasting = async (url: (port: number) => string, target: number): Promise<number> => {
    const wire = await startCuttingProxy(target)
    closers.push(wire.stop)
    const { redis } = open(url(wire.port))
    expect(await redis.ready(5_000)).toBe(true)
    wire.silence()
    wire.heal()
    const began = performance.now()
    const answers = async (kind: 'commands' | 'cache') => (await redis[kind].ping().catch(() => '')) === 'PONG'
    await Promise.all(
      (['commands', 'cache'] as const).map((kind) =>
        waitFor(() => answers(kind), { timeoutMs: 20_000, what: `${kind} on a new connection` }),
      ),
    )
    return performance.now() - began
  }

  test('is given up after the same time as without TLS, and commands and cache go on with new ones', async () => {
    const plain = lasting((port) => `redis://127.0.0.1:${port}`, server?.port ?? 0)
    const tls = lasting((port) => address(house.ca, { port }), server?.tlsPort ?? 0)
    const [without, under] = await Promise.all([plain, tls])
    // 5 s of silence, and the wait before connecting anew.
    for (const took of [without, under]) expect(took).toBeGreaterThan(4_500)
    expect(Math.abs(under - without)).toBeLessThan(2_500)
  })
})
