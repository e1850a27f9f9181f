import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { Redis, type RedisOptions } from 'ioredis'
import { type Clock, systemClock } from '../clock.ts'
import type { Logger } from '../telemetry/logger.ts'
import { ifInTime } from '../wait.ts'
import { HearingConnector } from './connector.ts'

/** A command whose reply takes longer is given up: ten times the slowest script seen here, and short enough for a caller to decide. */
const COMMAND_TIMEOUT_MS = 2_000
/** Backstop above the 50 ms of the cache policy: that one decides, this one only keeps a promise from hanging for ever. */
const CACHE_TIMEOUT_MS = 250
/** A socket that owes us a reply and stays silent this long is half open: destroyed, so that a new one is tried. */
const SILENT_SOCKET_MS = 5_000
/** How long one TCP connect may take. */
const CONNECT_TIMEOUT_MS = 2_000
/** Reconnecting starts after 50 ms and is tried at least once a second: a restarted Redis is found again at once. */
const RECONNECT_BASE_MS = 50
const RECONNECT_MAX_MS = 1_000
/** Instances that lost the same Redis must not come back in the same millisecond. */
const RECONNECT_JITTER_MS = 100
/** How long closing waits for replies in flight before the sockets are dropped. */
const QUIT_TIMEOUT_MS = 500

/** The connections of one process to one Redis, by purpose. Whoever created them closes them. */
export type RedisConnections = {
  /** Publishing, acking, inspecting. Fails fast: a command is never re-sent behind the caller's back. */
  readonly commands: Redis
  /** Cache reads and writes. Refuses at once while there is no connection: a miss is cheaper than a wait. */
  readonly cache: Redis
  /** A new dedicated connection for one blocking reader; it never reconnects: the reader opens the next one. */
  blocking(): Redis
  /** Whether commands would be sent now. */
  status(): 'up' | 'down'
  /** Resolves with true once commands and cache are usable, with false after `timeoutMs`; a service need not wait. */
  ready(timeoutMs: number): Promise<boolean>
  /** Ends everything opened here, blocking connections included. Never rejects. */
  close(): Promise<void>
}

/**
 * Opens the connections to the Redis at `url` (redis:// or rediss://) under the client name `name`.
 *
 * Under TLS (rediss://) the server's certificate and its name are always checked: by the authority in the file that `sslrootcert` in the
 * query names, as for PostgreSQL, or by Node's own.
 *
 * Returns at once and never throws for a Redis that is away: a service must start without it. `commands` queues what it is given
 * while connecting and rejects it at the next failed attempt (`maxRetriesPerRequest: 0`), which also rejects whatever was in flight
 * when a connection broke. ioredis would otherwise re-send it silently, and a re-sent XADD `*` or XAUTOCLAIM is not harmless.
 *
 * @example
 * const redis = createRedisConnections({ url, name: 'lancamentos', log })
 * await redis.commands.ping()
 * await redis.close()
 */
export function createRedisConnections({ url, name, log }: RedisDeps): RedisConnections {
  const base = {
    ...tlsOf(url),
    Connector: HearingConnector,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: false,
    reconnectOnError: isDemoted,
    retryStrategy: reconnectDelayMs,
  } satisfies RedisOptions
  const lasting = { ...base, socketTimeout: SILENT_SOCKET_MS }
  const commands = new Redis(url, {
    ...lasting,
    connectionName: `${name}-comandos`,
    commandTimeout: COMMAND_TIMEOUT_MS,
  })
  const cache = new Redis(url, {
    ...lasting,
    connectionName: `${name}-cache`,
    commandTimeout: CACHE_TIMEOUT_MS,
    enableOfflineQueue: false,
  })
  let closing = false
  logStateChanges(commands, 'comandos', (line) => closing || log[line.level](line.fields, line.text))
  logStateChanges(cache, 'cache', (line) => closing || log[line.level](line.fields, line.text))

  const readers = new Set<Redis>()
  const blocking = () => {
    const reader = new Redis(url, {
      ...base,
      connectionName: `${name}-leitor`,
      maxRetriesPerRequest: null,
      retryStrategy: () => null,
    })
    // The reader sees its commands reject; an unheard 'error' event would end the process.
    reader.on('error', () => {})
    reader.once('end', () => readers.delete(reader))
    readers.add(reader)
    return reader
  }
  return {
    commands,
    cache,
    blocking,
    status: () => (commands.status === 'ready' ? 'up' : 'down'),
    ready: async (timeoutMs) => {
      const both = await Promise.all([becomesReady(commands, timeoutMs), becomesReady(cache, timeoutMs)])
      return both.every(Boolean)
    },
    close: async () => {
      closing = true
      for (const reader of readers) reader.disconnect()
      await Promise.all([quit(commands), quit(cache)])
    },
  }
}

function tlsOf(url: string): Pick<RedisOptions, 'tls'> {
  const { protocol, hostname, searchParams } = new URL(url)
  const root = searchParams.get('sslrootcert')
  if (protocol !== 'rediss:') {
    if (root !== null) throw new Error('sslrootcert in the URL of Redis needs rediss://')
    return {}
  }
  return {
    tls: {
      ...(isIP(hostname) === 0 && { servername: hostname }),
      ...(root !== null && { ca: readFileSync(root, 'utf8') }),
    },
  }
}

type RedisDeps = { url: string; name: string; log: Logger }

/**
 * Milliseconds before the given reconnect attempt (1, 2, …): exponential, capped, with jitter.
 */
export function reconnectDelayMs(attempt: number): number {
  return Math.min(RECONNECT_BASE_MS * 2 ** (attempt - 1), RECONNECT_MAX_MS) + Math.random() * RECONNECT_JITTER_MS
}

/** A replica's refusal after a failover: the name now points elsewhere, so the connection is made anew. */
function isDemoted(error: Error): boolean {
  return error.message.startsWith('READONLY')
}

/** Resolves with true when `redis` is ready within `timeoutMs`, with false when it ends or the time is over. */
export function becomesReady(redis: Redis, timeoutMs: number, clock: Clock = systemClock): Promise<boolean> {
  if (redis.status === 'ready') return Promise.resolve(true)
  if (redis.status === 'end') return Promise.resolve(false)
  return new Promise((resolve) => {
    const settle = (ready: boolean) => {
      cancel()
      redis.off('ready', onReady)
      redis.off('end', onEnd)
      resolve(ready)
    }
    const onReady = () => settle(true)
    const onEnd = () => settle(false)
    const cancel = clock.after(timeoutMs, onEnd)
    redis.once('ready', onReady)
    redis.once('end', onEnd)
  })
}

type Line = { level: 'info' | 'warn'; fields: Record<string, unknown>; text: string }

/** One line per change of state: a Redis that is away for an hour must not write a line per attempt. */
function logStateChanges(redis: Redis, connection: string, write: (line: Line) => void): void {
  let state: 'unknown' | 'up' | 'down' = 'unknown'
  let reason: string | undefined
  redis.on('error', (error: Error) => {
    reason = error.message
  })
  redis.on('ready', () => {
    if (state !== 'up') write({ level: 'info', fields: { conexao: connection }, text: 'redis connection up' })
    state = 'up'
    reason = undefined
  })
  redis.on('close', () => {
    if (state !== 'down')
      write({ level: 'warn', fields: { conexao: connection, erro: reason }, text: 'redis connection down' })
    state = 'down'
  })
}

async function quit(redis: Redis): Promise<void> {
  const ended = new Promise((resolve) => redis.once('end', resolve))
  // Between two attempts there is no socket, hence no 'end' to wait for.
  const idle = redis.status === 'end' || redis.status === 'reconnecting' || redis.status === 'wait'
  if (redis.status === 'ready') await ifInTime(redis.quit(), QUIT_TIMEOUT_MS)
  redis.disconnect()
  if (!idle) await ifInTime(ended, QUIT_TIMEOUT_MS)
}
