import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Database } from '@fluxo/drizzle/journal'
import type { Secrets } from './data-folder.ts'
import { keepRunning } from './keep-running.ts'
import { databaseUrl, ensureDatabase, ensureRole } from './local/ensure-database.ts'
import { type LocalPostgres, startPostgres } from './local/postgres.ts'
import { type LocalRedis, startRedis } from './local/redis.ts'

type ServerOptions = {
  folder: string
  secrets: Secrets
  particoes: number | undefined
  /** Servers of the user's own, in place of ours. The owner's URL migrates; without it the service's does. */
  given: {
    lancamentos: string | undefined
    lancamentosOwner: string | undefined
    consolidado: string | undefined
    consolidadoOwner: string | undefined
    entregas: string | undefined
    entregasOwner: string | undefined
    avisos: string | undefined
    avisosOwner: string | undefined
    redis: string | undefined
  }
  /** For the person at the terminal. */
  say: (line: string) => void
  log: (line: string) => void
  /** Hears that a server died too often and is left alone. */
  giveUp: (error: Error) => void
  /** Hears of each server that was opened, and how to close it. */
  opened: (close: () => Promise<void>) => void
}

/** Where everything is: the services' own logins, and the owners' that migrate. */
export type Servers = {
  databaseUrlLancamentos: string
  databaseUrlConsolidado: string
  databaseUrlEntregas: string
  databaseUrlAvisos: string
  ownerUrlLancamentos: string
  ownerUrlConsolidado: string
  ownerUrlEntregas: string
  ownerUrlAvisos: string
  redisUrl: string
}

type Server = LocalPostgres | LocalRedis

type Access = { app: string; owner: string }

const accessOf = async (
  database: Database,
  given: { app: string | undefined; owner: string | undefined },
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
  const needsPostgres = [given.lancamentos, given.consolidado, given.entregas, given.avisos].includes(undefined)
  const open = async <S extends Server>(name: string, files: string, start: (port?: number) => Promise<S>) => {
    const { first, stop } = await keepRunning({ name, logFile: `${files}.log`, start, say, giveUp })
    opened(stop)
    if (first.leftOver !== undefined) say(`ended the ${name} of an earlier start (process ${first.leftOver})`)
    return first
  }
  const startOurPostgres = async () => {
    if (!needsPostgres) return undefined
    const dataDir = join(folder, 'postgres')
    return open('PostgreSQL', dataDir, (port) => startPostgres({ dataDir, log, ...(port !== undefined && { port }) }))
  }
  const startOurRedis = async () => {
    if (given.redis !== undefined) return given.redis
    const settings = { dir: join(folder, 'redis'), password: secrets.redisPassword, log }
    const server = await open('Redis', settings.dir, (port) =>
      startRedis({ ...settings, ...(port !== undefined && { port }) }),
    )
    return server.url
  }
  // Both are awaited even where one fails: what was opened meanwhile must be closed.
  const [postgres, redis] = await Promise.allSettled([startOurPostgres(), startOurRedis()])
  if (postgres.status === 'rejected') throw postgres.reason
  if (redis.status === 'rejected') throw redis.reason

  const accessTo = async (database: Database, app: string | undefined, owner: string | undefined, password: string) => {
    const access = await accessOf(database, { app, owner }, postgres.value, password)
    await migrateApart(database, access.owner, particoes)
    return access
  }
  const lancamentos = await accessTo(
    'lancamentos',
    given.lancamentos,
    given.lancamentosOwner,
    secrets.lancamentosPassword,
  )
  const consolidado = await accessTo(
    'consolidado',
    given.consolidado,
    given.consolidadoOwner,
    secrets.consolidadoPassword,
  )
  const entregas = await accessTo('entregas', given.entregas, given.entregasOwner, secrets.entregasPassword)
  const avisos = await accessTo('avisos', given.avisos, given.avisosOwner, secrets.avisosPassword)
  return {
    databaseUrlLancamentos: lancamentos.app,
    databaseUrlConsolidado: consolidado.app,
    databaseUrlEntregas: entregas.app,
    databaseUrlAvisos: avisos.app,
    ownerUrlLancamentos: lancamentos.owner,
    ownerUrlConsolidado: consolidado.owner,
    ownerUrlEntregas: entregas.owner,
    ownerUrlAvisos: avisos.owner,
    redisUrl: redis.value,
  }
}
