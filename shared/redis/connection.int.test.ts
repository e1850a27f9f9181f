import { redisUrl, startOwnRedis } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { freePort } from '../../scripts/local/free-port.ts'
import { createRedisConnections, reconnectDelayMs } from './connection.ts'

const open = (url: string) => {
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  return { lines, redis: createRedisConnections({ url, name: 'teste', log }) }
}
const timed = async (work: Promise<unknown>) => {
  const begin = performance.now()
  await work.catch(() => undefined)
  return performance.now() - begin
}

test('the connections carry the name of their service and purpose', async () => {
  const { redis } = open(redisUrl())
  expect(await redis.ready(5_000)).toBe(true)
  expect(redis.status()).toBe('up')
  const reader = redis.blocking()
  expect(await reader.client('GETNAME')).toBe('teste-leitor')
  expect(await redis.commands.client('GETNAME')).toBe('teste-comandos')
  expect(await redis.cache.client('GETNAME')).toBe('teste-cache')
  await redis.close()
  await expect(reader.ping()).rejects.toThrow()
})

test('a process starts without Redis, is refused quickly, finds it when it comes, and logs two lines, not hundreds', async () => {
  const port = await freePort()
  const { redis, lines } = open(`redis://127.0.0.1:${port}`)
  expect(redis.status()).toBe('down')
  expect(await timed(redis.cache.get('x'))).toBeLessThan(1_000)
  expect(await timed(redis.commands.get('x'))).toBeLessThan(2_000)
  expect(await redis.ready(50)).toBe(false)
  await waitFor(() => lines.length === 2, { what: 'both connections to say that they are down' })
  const own = await startOwnRedis({ port, appendonly: false })
  expect(await redis.ready(5_000)).toBe(true)
  expect(await redis.commands.ping()).toBe('PONG')
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    ...Array(2).fill('redis connection down'),
    ...Array(2).fill('redis connection up'),
  ])
  await redis.close()
  await own.remove()
})

test('a Redis that hangs costs a command two seconds, a cache lookup a quarter, and closing no more than a second', async () => {
  const own = await startOwnRedis({ appendonly: false })
  const { redis } = open(own.url)
  await redis.ready(5_000)
  process.kill(own.pid, 'SIGSTOP')
  const [command, lookup] = await Promise.all([timed(redis.commands.get('x')), timed(redis.cache.get('x'))])
  expect(command).toBeLessThan(2_500)
  expect(lookup).toBeLessThan(1_500)
  expect(await timed(redis.close())).toBeLessThan(1_500)
  process.kill(own.pid, 'SIGCONT')
  await own.remove()
})

test('what was in flight when a connection broke is rejected, never sent again', async () => {
  const { redis } = open(redisUrl())
  await redis.ready(5_000)
  const blocked = redis.commands.blpop('nada', 1)
  const other = open(redisUrl()).redis
  await other.ready(5_000)
  const id = /id=(\d+) [^\n]*cmd=blpop/.exec(String(await other.commands.client('LIST')))?.[1]
  await Promise.all([expect(blocked).rejects.toThrow(), other.commands.client('KILL', 'ID', String(id))])
  await waitFor(() => redis.status() === 'up', { what: 'the connection to be back' })
  await Promise.all([redis.close(), other.close()])
})

test('a blocking reader ends with its connection: its read is rejected, and it is never sent again', async () => {
  const { redis } = open(redisUrl())
  await redis.ready(5_000)
  const reader = redis.blocking()
  const id = await reader.client('ID')
  const read = reader.blpop('nada', 30)
  await Promise.all([expect(read).rejects.toThrow(), redis.commands.client('KILL', 'ID', id)])
  expect(reader.status).toBe('end')
  await redis.close()
})

test('reconnecting is tried soon, and at least about once a second', () => {
  expect(reconnectDelayMs(1)).toBeLessThan(200)
  expect(reconnectDelayMs(50)).toBeLessThanOrEqual(1_100)
})
