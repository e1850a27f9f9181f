import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '@fluxo/drizzle/migrate'
import { inject } from 'vitest'
import { databaseUrl, ensureRole, runStatements } from '../../scripts/local/ensure-database.ts'
import { type LocalPostgres, type LocalPostgresOptions, startPostgres } from '../../scripts/local/postgres.ts'
import { type LocalRedis, type LocalRedisOptions, startRedis } from '../../scripts/local/redis.ts'
import { ROLE_PASSWORD, SERVICES, type Service } from './services.ts'

/** A database of a test's own. `ownerUrl` migrates, `appUrl` is the least-privilege login of a service. */
export type TestDatabase = { ownerUrl: string; appUrl: string; drop: () => Promise<void> }

type CreateDatabaseOptions = {
  /** The service's login role, made when it is missing; without it `appUrl` is `ownerUrl`. */
  role?: Service | undefined
  /** The role's, in place of the tests' own. */
  password?: string | undefined
  /** Another server than the run's: its superuser URL. */
  serverUrl?: string | undefined
}

/** URL of the run's Redis. It is shared by all tests: each one uses a key prefix of its own (`uniquePrefix`). */
export const redisUrl = (): string => inject('redisUrl')

/** Superuser URL of the run's PostgreSQL. */
export const postgresUrl = (): string => inject('postgresUrl')

/** A short text that no other test has, usable as key prefix, database name or merchant id. */
export const uniquePrefix = (name = 't'): string => `${name}_${randomBytes(6).toString('hex')}`

/** Makes a fresh, empty database on the run's server (or `serverUrl`). */
export const createDatabase = async (options: CreateDatabaseOptions = {}): Promise<TestDatabase> => {
  const { role, password = ROLE_PASSWORD, serverUrl = postgresUrl() } = options
  const database = uniquePrefix()
  if (role) await ensureRole(serverUrl, role, password)
  await runStatements(serverUrl, [`create database ${database}`])
  const ownerUrl = databaseUrl(serverUrl, database)
  return {
    ownerUrl,
    appUrl: role ? databaseUrl(serverUrl, database, { role, password }) : ownerUrl,
    drop: () => runStatements(serverUrl, [`drop database if exists ${database} with (force)`]),
  }
}

type ServiceDatabaseOptions = Omit<CreateDatabaseOptions, 'role'> & {
  /** Of its log, if it holds one. */
  particoes?: number | undefined
  /** Other migrations than this version's. */
  folder?: string | undefined
}

/** Makes a fresh database of a service, with its role and its schema. */
export const createServiceDatabase = async (
  service: Service,
  { particoes, folder, ...options }: ServiceDatabaseOptions = {},
): Promise<TestDatabase> => {
  const database = await createDatabase({ ...options, role: service })
  const log = SERVICES[service].hasLog ? particoes : undefined
  await migrate({ database: service, url: database.ownerUrl, particoes: log, folder })
  return database
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
