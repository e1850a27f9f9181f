import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { inject } from 'vitest'
import { type LocalPostgres, type LocalPostgresOptions, startPostgres } from '../local/postgres.ts'
import { type LocalRedis, type LocalRedisOptions, startRedis } from '../local/redis.ts'

/** The password of the login roles in tests; they live only as long as the run's server. */
const ROLE_PASSWORD = 'teste'

/** A database of a test's own. `ownerUrl` migrates, `appUrl` is the least-privilege login of a service. */
export type TestDatabase = { ownerUrl: string; appUrl: string; drop: () => Promise<void> }

export type CreateDatabaseOptions = {
  /** Brings the schema in, as the owner. Injected: shared knows no migration. */
  migrate?: (ownerUrl: string) => Promise<void>
  /** The service's login role, made when it is missing; without it `appUrl` is `ownerUrl`. */
  role?: 'lancamentos' | 'consolidado'
  /** Another server than the run's: its superuser URL. */
  serverUrl?: string
}

/** URL of the run's Redis. It is shared by all tests: each one uses a key prefix of its own (`uniquePrefix`). */
export const redisUrl = (): string => inject('redisUrl')

/** Superuser URL of the run's PostgreSQL. */
export const postgresUrl = (): string => inject('postgresUrl')

/** A short text that no other test has, usable as key prefix, database name or merchant id. */
export const uniquePrefix = (name = 't'): string => `${name}_${randomBytes(6).toString('hex')}`

const withPath = (url: string, change: { database: string; user?: string }): string => {
  const changed = new URL(url)
  changed.pathname = `/${change.database}`
  if (change.user !== undefined) {
    changed.username = change.user
    changed.password = ROLE_PASSWORD
  }
  return changed.href
}

const asSuperuser = async (url: string, statements: readonly string[]): Promise<void> => {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    for (const statement of statements) await sql.unsafe(statement)
  } finally {
    await sql.end()
  }
}

/** Two tests may make the same role at once: whoever comes second finds it there, which is what both wanted. */
const createRole = (role: string): string => `
  do $$ begin
    create role ${role} login password '${ROLE_PASSWORD}';
  exception when duplicate_object or unique_violation then
    alter role ${role} login password '${ROLE_PASSWORD}';
  end $$`

/** Makes a fresh database on the run's server (or `serverUrl`), with the service's role and schema where asked for. */
export const createDatabase = async (options: CreateDatabaseOptions = {}): Promise<TestDatabase> => {
  const serverUrl = options.serverUrl ?? postgresUrl()
  const database = uniquePrefix()
  const { role } = options
  await asSuperuser(serverUrl, [...(role ? [createRole(role)] : []), `create database ${database}`])
  const ownerUrl = withPath(serverUrl, { database })
  await options.migrate?.(ownerUrl)
  return {
    ownerUrl,
    appUrl: role ? withPath(serverUrl, { database, user: role }) : ownerUrl,
    drop: () => asSuperuser(serverUrl, [`drop database if exists ${database} with (force)`]),
  }
}

type OwnServer<Server> = Server & { dir: string; remove: () => Promise<void> }

const withOwnDir = async <Server extends { stop: () => Promise<void> }>(
  start: (dir: string) => Promise<Server>,
): Promise<OwnServer<Server>> => {
  const dir = await mkdtemp(join(tmpdir(), 'fluxo-own-'))
  const server = await start(dir)
  const remove = async () => {
    await server.stop()
    await rm(dir, { recursive: true, force: true })
  }
  return { ...server, dir, remove }
}

/** A PostgreSQL of the test's own, for tests that stop or kill it. `remove` ends it and deletes its data. */
export const startOwnPostgres = (options: Partial<LocalPostgresOptions> = {}): Promise<OwnServer<LocalPostgres>> =>
  withOwnDir((dir) => startPostgres({ durable: false, ownGroup: false, dataDir: join(dir, 'postgres'), ...options }))

/** A Redis of the test's own, for tests that stop, kill or flush it. `remove` ends it and deletes its data. */
export const startOwnRedis = (options: Partial<LocalRedisOptions> = {}): Promise<OwnServer<LocalRedis>> =>
  withOwnDir((dir) => startRedis({ ownGroup: false, dir: join(dir, 'redis'), ...options }))
