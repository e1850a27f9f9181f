import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { migrate } from '@fluxo/drizzle/migrate'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { databaseUrl, ensureDatabase, ensureRole, runStatements } from '../scripts/local/ensure-database.ts'
import { type LocalPostgres, startPostgres } from '../scripts/local/postgres.ts'
import { startRedis } from '../scripts/local/redis.ts'
import { SERVICE_NAMES, type Service } from '../tests/stage/services.ts'
import { serverCpuMs } from './cpu.ts'

/** A database of the bench: `appUrl` is the service's own role, `ownerUrl` the superuser, who looks and checks. */
export type Database = { name: string; appUrl: string; ownerUrl: string }

export type Servers = {
  postgres: LocalPostgres
  redisUrl: string
  jwtSecret: string
  /** A fresh, migrated database: a copy of a template, made in a tenth of a second. */
  createDatabase: (service: Service) => Promise<Database>
  dropDatabase: (database: Database) => Promise<void>
  /** CPU time that PostgreSQL and Redis have used, milliseconds; NaN where the system does not tell. */
  cpuMs: () => Promise<number>
  /** What the server says of its settings, such as `fsync=on`. */
  durability: string
}

type ServersOptions = {
  folder: string
  opened: (stop: () => Promise<void>) => void
  check: () => void
}

const SECRET_BYTES = 32
/** Without these an acknowledged write may be lost, and the figures would mean nothing. */
const DURABLE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' } as const

const templateOf = (service: Service): string => `template_${service}`

const durabilityOf = async (url: string): Promise<string> => {
  const sql = createSql({ url, max: 1, name: 'bench' })
  try {
    const shown: string[] = []
    for (const [name, wanted] of Object.entries(DURABLE)) {
      const [row] = await sql<{ value: string }[]>`select current_setting(${name}) as value`
      if (row?.value !== wanted) throw new Error(`PostgreSQL runs with ${name}=${row?.value}: nothing would be durable`)
      shown.push(`${name}=${wanted}`)
    }
    const [server] = await sql<{ version: string }[]>`select current_setting('server_version') as version`
    return `PostgreSQL ${server?.version} ${shown.join(' ')}`
  } finally {
    await closeSql(sql)
  }
}

/** Starts a durable PostgreSQL and a Redis with an append-only file on free ports, with their data in `folder`. */
export const startServers = async ({ folder, opened, check }: ServersOptions): Promise<Servers> => {
  const password = randomBytes(SECRET_BYTES).toString('hex')
  const startAndOpen = async <S extends { stop: () => Promise<void> }>(starting: Promise<S>): Promise<S> => {
    const server = await starting
    opened(server.stop)
    return server
  }
  const [postgres, redis] = await Promise.allSettled([
    startAndOpen(startPostgres({ dataDir: join(folder, 'postgres') })),
    startAndOpen(startRedis({ dir: join(folder, 'redis'), appendonly: true })),
  ])
  if (postgres.status === 'rejected') throw postgres.reason
  if (redis.status === 'rejected') throw redis.reason
  const admin = postgres.value.url()
  for (const service of SERVICE_NAMES) {
    check()
    await ensureRole(admin, service, password)
    await migrate({ database: service, url: await ensureDatabase(admin, templateOf(service)) })
  }
  let made = 0
  return {
    postgres: postgres.value,
    redisUrl: redis.value.url,
    jwtSecret: randomBytes(SECRET_BYTES).toString('hex'),
    createDatabase: async (service) => {
      check()
      made += 1
      const name = `${service}_${made}`
      await runStatements(admin, [`create database ${name} template ${templateOf(service)}`])
      return {
        name,
        appUrl: databaseUrl(admin, name, { role: service, password }),
        ownerUrl: databaseUrl(admin, name),
      }
    },
    cpuMs: async () => (await serverCpuMs(postgres.value.pid)) + (await serverCpuMs(redis.value.pid)),
    dropDatabase: ({ name }) => runStatements(admin, [`drop database if exists ${name} with (force)`]),
    durability: await durabilityOf(admin),
  }
}
