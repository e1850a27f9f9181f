import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { migrate } from '@fluxo/drizzle/migrate'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { databaseUrl, ensureDatabase, ensureRole } from '../../scripts/local/ensure-database.ts'
import { isAlive, waitGone } from '../../scripts/local/own-process.ts'
import { startPostgres } from '../../scripts/local/postgres.ts'
import { startRedis } from '../../scripts/local/redis.ts'
import type { Service } from '../stage/services.ts'
import { mountSmallDisk, type SmallDisk } from './small-disk.ts'

/** A server that can be ended and comes back on its port with the data that it had. */
type Restartable = {
  port: number
  /** Sends a signal and waits for the end. */
  end: (signal: NodeJS.Signals) => Promise<void>
  /** Starts it where it is not running. */
  start: () => Promise<void>
}

export type PostgresServer = Restartable & {
  service: Service
  /** The superuser's pool on the service's database: for looking and for faults, past every proxy. */
  sql: Sql
  /** The service's own role, through a port. */
  appUrl: (port?: number) => string
  ownerUrl: string
  /** The disk that it lives on, or why it has none of its own. */
  disk: SmallDisk | string
}

export type RedisServer = Restartable & { url: (port?: number) => string }

export type Opened = (stop: () => Promise<void>) => void

const SECRET_BYTES = 16
const END_TIMEOUT_MS = 30_000
const START_RETRY_MS = 500
const START_TRIES_MAX = 20
/** Two entregas use 34, three consolidado 33, two lancamentos 28, we a few: so a fault that takes the rest has little to open. */
const CONNECTIONS_MAX = '80'

type Running = { port: number; pid: number; stop: () => Promise<void> }

/** Keeps one server running on one port, whatever ended it. */
const createRestartable = async (launch: (port?: number) => Promise<Running>): Promise<Restartable & Running> => {
  let running = await launch()
  const { port } = running
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (await isAlive(running.pid)) process.kill(running.pid, signal)
    if (!(await waitGone(running.pid, END_TIMEOUT_MS))) throw new Error(`the server on port ${port} did not end`)
    await running.stop()
  }
  const start = async (): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      if (await isAlive(running.pid)) return
      try {
        await running.stop()
        running = await launch(port)
        return
      } catch (error) {
        if (attempt === START_TRIES_MAX) throw error
        await delay(START_RETRY_MS)
      }
    }
  }
  return {
    port,
    get pid() {
      return running.pid
    },
    end,
    start,
    stop: () => running.stop(),
  }
}

const localUrl = (url: string, port: number | undefined): string => {
  const changed = new URL(url)
  if (port !== undefined) changed.port = String(port)
  return changed.href
}

/** Starts the PostgreSQL of one service, on a small disk of its own where that is permitted. */
export const startPostgresOf = async (service: Service, folder: string, opened: Opened): Promise<PostgresServer> => {
  const disk = await mountSmallDisk(join(folder, `disk-${service}`))
  const dir = typeof disk === 'string' ? folder : disk.dir
  if (typeof disk !== 'string') opened(disk.unmount)
  let superuser = ''
  const server = await createRestartable(async (port) => {
    const running = await startPostgres({
      dataDir: join(dir, `postgres-${service}`),
      port,
      settings: { max_connections: CONNECTIONS_MAX, max_wal_size: '64MB', min_wal_size: '32MB' },
    })
    superuser = running.url()
    return running
  })
  opened(() => server.stop())
  const password = randomBytes(SECRET_BYTES).toString('hex')
  await ensureRole(superuser, service, password)
  const ownerUrl = await ensureDatabase(superuser, service)
  await migrate({ database: service, url: ownerUrl })
  const sql = createSql({ url: ownerUrl, max: 2, name: 'chaos' })
  opened(() => closeSql(sql))
  const appUrl = databaseUrl(superuser, service, { role: service, password })
  const { port, end, start } = server
  return { service, port, end, start, sql, ownerUrl, appUrl: (through) => localUrl(appUrl, through), disk }
}

/** Starts the Redis that the services share. */
export const startRedisServer = async (folder: string, opened: Opened): Promise<RedisServer> => {
  const server = await createRestartable((port) => startRedis({ dir: join(folder, 'redis'), port }))
  opened(() => server.stop())
  const { port, end, start } = server
  return { port, end, start, url: (through = port) => `redis://127.0.0.1:${through}` }
}
