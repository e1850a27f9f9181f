import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DATABASES, type Database } from '@fluxo/drizzle/journal'
import type { Secrets } from './data-folder.ts'
import type { Access } from './databases.ts'
import { keepRunning } from './keep-running.ts'
import { databaseUrl, ensureDatabase, ensureRole } from './local/ensure-database.ts'
import { type LocalPostgres, startPostgres } from './local/postgres.ts'
import { type LocalRedis, startRedis } from './local/redis.ts'

type GivenAccess = { app: string | undefined; owner: string | undefined }

type ServerOptions = {
  folder: string
  secrets: Secrets
  particoes: number | undefined
  /** Servers of the user's own, in place of ours. The owner's URL migrates; without it the service's does. */
  given: { databases: Record<Database, GivenAccess>; redis: string | undefined }
  /** For the person at the terminal. */
  say: (line: string) => void
  log: (line: string) => void
  /** Hears that a server died too often and is left alone. */
  giveUp: (error: Error) => void
  /** Hears of each server that was opened, and how to close it. */
  opened: (close: () => Promise<void>) => void
}

type Servers = { databases: Record<Database, Access>; redisUrl: string }

type Server = LocalPostgres | LocalRedis

const accessOf = async (
  database: Database,
  given: GivenAccess,
  server: LocalPostgres | undefined,
  password: string,
): Promise<Access> => {
  if (given.app !== undefined) return { app: given.app, owner: given.owner ?? given.app }
  if (!server) throw new Error('invariant: without a URL there is a server of our own')
  await ensureRole(server.url(), database, password)
  const owner = await ensureDatabase(server.url(), database)
  return { app: databaseUrl(owner, database, { role: database, password }), owner }
}

/**
 * Migrates in a process of its own, which takes its memory with it: the migrator and its parser of TypeScript would stay
 * in the one that serves, some 100 MB.
 */
const migrateApart = async (database: Database, owner: string, particoes: number | undefined): Promise<void> => {
  const env = {
    ...process.env,
    [`DATABASE_URL_${database.toUpperCase()}_OWNER`]: owner,
    ...(particoes !== undefined && { PARTICOES: String(particoes) }),
  }
  const command = [join(import.meta.dirname, 'migrate.ts'), database]
  await promisify(execFile)(process.execPath, command, { env }).catch((error: { stderr?: string }) => {
    throw new Error(error.stderr?.trim() || `${database} could not be migrated`, { cause: error })
  })
}

/** Starts the servers that are not given, makes what is missing in them, and brings all schemas to the newest version. */
export const startServers = async (options: ServerOptions): Promise<Servers> => {
  const { folder, secrets, given, particoes, say, log, giveUp, opened } = options
  const needsPostgres = Object.values(given.databases).some(({ app }) => app === undefined)
  const open = async <S extends Server>(name: string, files: string, start: (port?: number) => Promise<S>) => {
    const { first, stop } = await keepRunning({ name, logFile: `${files}.log`, start, say, giveUp })
    opened(stop)
    if (first.leftOver !== undefined) say(`ended the ${name} of an earlier start (process ${first.leftOver})`)
    return first
  }
  const startOurPostgres = async () => {
    if (!needsPostgres) return undefined
    const dataDir = join(folder, 'postgres')
    return open('PostgreSQL', dataDir, (port) => startPostgres({ dataDir, log, port }))
  }
  const startOurRedis = async () => {
    if (given.redis !== undefined) return given.redis
    const settings = { dir: join(folder, 'redis'), password: secrets.redisPassword, log }
    const server = await open('Redis', settings.dir, (port) => startRedis({ ...settings, port }))
    return server.url
  }
  // Both are awaited even where one fails: what was opened meanwhile must be closed.
  const [postgres, redis] = await Promise.allSettled([startOurPostgres(), startOurRedis()])
  if (postgres.status === 'rejected') throw postgres.reason
  if (redis.status === 'rejected') throw redis.reason

  const made: [Database, Access][] = []
  for (const database of DATABASES) {
    const access = await accessOf(database, given.databases[database], postgres.value, secrets.passwords[database])
    await migrateApart(database, access.owner, particoes)
    made.push([database, access])
  }
  return { databases: Object.fromEntries(made) as Record<Database, Access>, redisUrl: redis.value }
}
