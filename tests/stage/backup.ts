import { execFileSync, spawn } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { chown, copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { databaseUrl, ensureRole } from '../../scripts/local/ensure-database.ts'
import { startPostgres } from '../../scripts/local/postgres.ts'
import { createDatabase, startOwnPostgres, type TestDatabase } from './databases.ts'

/** A backup of one database, taken while it is written to. Each `restore` makes a new database. */
type Backup = { ms: number; restore: () => Promise<TestDatabase> }
type BackupTool = { name: string; backup: (database: TestDatabase, folder: string) => Promise<Backup> }

/** The image whose pg_dump docs/operations.md uses. */
const IMAGE = 'postgres:18-trixie'
const MAJOR_MIN = 18

const outputOf = (program: string, args: readonly string[]): string => {
  try {
    return execFileSync(program, args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString()
  } catch {
    return ''
  }
}

/** How to call a client program of PostgreSQL 18: on this machine, or in the image that the containers use; undefined without either. */
const clientProgram = (): ((name: string) => [string, ...string[]]) | undefined => {
  const major = Number(/ (\d+)/.exec(outputOf('pg_dump', ['--version']))?.[1] ?? 0)
  if (major >= MAJOR_MIN) return (name) => [name]
  if (outputOf('docker', ['image', 'inspect', '--format', '{{.Id}}', IMAGE]) === '') return undefined
  return (name) => ['docker', 'run', '--rm', '-i', '--network', 'host', IMAGE, name]
}

const run = async ([program, ...args]: [string, ...string[]], { from, to }: { from?: string; to?: string }) => {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (from === undefined) child.stdin.end()
  else await pipeline(createReadStream(from), child.stdin)
  if (to === undefined) child.stdout.resume()
  else await pipeline(child.stdout, createWriteStream(to, { mode: 0o600 }))
  const code = await ended
  if (code !== 0) throw new Error(`${args.at(-1) ?? program} ended with ${code}: ${errors}`)
}

const loginOf = (url: string) => {
  const { username, password } = new URL(url)
  return { role: username, password: decodeURIComponent(password) }
}

/**
 * pg_dump and pg_restore, as docs/operations.md has them. What is restored is on a new server, which knows no role but the logins that
 * deploy/postgres/10-fluxo.sh makes: the others come with the dump of the roles.
 */
const logical = (program: (name: string) => [string, ...string[]]): BackupTool => ({
  name: 'pg_dump',
  backup: async (database, folder) => {
    const began = performance.now()
    const dir = await mkdtemp(join(folder, 'dump-'))
    const [roles, file] = [join(dir, 'roles.sql'), join(dir, 'dump')]
    const all = ['--roles-only', '--no-role-passwords', '-d', database.ownerUrl]
    await run([...program('pg_dumpall'), ...all], { to: roles })
    await run([...program('pg_dump'), '-Fc', '-d', database.ownerUrl], { to: file })
    return {
      ms: performance.now() - began,
      restore: async () => {
        const server = await startOwnPostgres()
        const login = loginOf(database.appUrl)
        await ensureRole(server.url(), login.role, login.password)
        await run([...program('psql'), '-q', '-d', server.url()], { from: roles })
        const fresh = await createDatabase({ serverUrl: server.url() })
        await run([...program('pg_restore'), '--exit-on-error', '-d', fresh.ownerUrl], { from: file })
        const name = new URL(fresh.ownerUrl).pathname.slice(1)
        return { ownerUrl: fresh.ownerUrl, appUrl: databaseUrl(server.url(), name, login), drop: server.remove }
      },
    }
  },
})

/** What a base backup leaves out (PostgreSQL: Making a Base Backup Using the Low Level API). */
const LEFT_OUT =
  /^(postmaster\.(pid|opts)|pg_wal|pg_dynshmem|pg_notify|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans|pg_replslot)$/

/** Copies files as they are read; those that vanish meanwhile are none of the backup's business. */
const copyTree = async (from: string, to: string, leaveOut?: RegExp): Promise<void> => {
  const { uid, gid, mode } = await stat(from)
  await mkdir(to, { mode })
  if (process.getuid?.() === 0) await chown(to, uid, gid)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    const empty = leaveOut?.test(entry.name) === true
    if (entry.isDirectory()) await copyTree(source, target, empty ? /./ : undefined)
    else if (!empty) {
      try {
        await copyFile(source, target)
        if (process.getuid?.() === 0) await chown(target, uid, gid)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
  }
}

/**
 * A base backup over PostgreSQL's own low-level interface, with nothing but the server: for machines without its client
 * programs. It copies the whole server; what is restored is a server of its own, of which one database is used.
 */
const physical: BackupTool = {
  name: 'base backup',
  backup: async (database, folder) => {
    const began = performance.now()
    const dir = await mkdtemp(join(folder, 'base-'))
    const copy = join(dir, 'data')
    const sql = createSql({ url: database.ownerUrl, max: 1, name: 'backup' })
    try {
      const [place] = await sql<{ data: string }[]>`select current_setting('data_directory') as data`
      await sql`select pg_backup_start('drill', true)`
      await copyTree(place?.data ?? '', copy, LEFT_OUT)
      const [label] = await sql<{ labelfile: string }[]>`select labelfile from pg_backup_stop(false)`
      await writeFile(join(copy, 'backup_label'), label?.labelfile ?? '')
      // The log of the time of the copy, after its end: without it the copied files do not fit together.
      await rm(join(copy, 'pg_wal'), { recursive: true })
      await copyTree(join(place?.data ?? '', 'pg_wal'), join(copy, 'pg_wal'))
    } finally {
      await closeSql(sql)
    }
    return { ms: performance.now() - began, restore: () => startCopy(database, dir, copy) }
  },
}

const startCopy = async (database: TestDatabase, dir: string, copy: string): Promise<TestDatabase> => {
  const home = await mkdtemp(join(dir, 'server-'))
  const dataDir = join(home, 'postgres')
  await copyTree(copy, dataDir)
  const owner = loginOf(database.ownerUrl)
  await writeFile(`${dataDir}.password`, owner.password, { mode: 0o600 })
  const server = await startPostgres({ dataDir, durable: false, ownGroup: false })
  const name = new URL(database.ownerUrl).pathname.slice(1)
  return {
    ownerUrl: databaseUrl(server.url(), name, owner),
    appUrl: databaseUrl(server.url(), name, loginOf(database.appUrl)),
    drop: server.stop,
  }
}

/** Every way to back up that this machine has: one at least. */
export const backupTools = (): BackupTool[] => {
  const program = clientProgram()
  return program === undefined ? [physical] : [logical(program), physical]
}

/** A folder for backups; whoever made it removes it. */
export const backupFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'fluxo-backup-'))
