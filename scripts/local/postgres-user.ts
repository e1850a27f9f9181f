import { createHash } from 'node:crypto'
import { chmod, cp, lstat, mkdir, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Where PostgreSQL lives when root runs it and the project's folder is closed to every other user. */
const ROOT_FALLBACK_DIR = '/var/lib/fluxo'
/** The users that may run the server when we are root, best first; `nobody` exists on every Unix. */
const SERVER_USERS = ['postgres', 'nobody'] as const

/** The user that runs the server. PostgreSQL refuses to run as root. */
export type ServerUser = { uid: number; gid: number }
/** The programs of PostgreSQL that we start. */
export type Binaries = { initdb: string; postgres: string }

/** The user to hand the server to: `undefined` (ourselves) unless we are root. Throws where root finds no other user. */
export const serverUser = async (): Promise<ServerUser | undefined> => {
  if (process.getuid?.() !== 0) return undefined
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of SERVER_USERS) {
    const found = lines.find((fields) => fields[0] === name)
    if (found) return { uid: Number(found[2]), gid: Number(found[3]) }
  }
  throw new Error('PostgreSQL does not run as root, and this system has neither a user "postgres" nor "nobody".')
}

/** The folders above `path` through which not everybody may pass. */
const closedFolders = async (path: string): Promise<string[]> => {
  const closed: string[] = []
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode } = await stat(folder)
    if ((mode & 0o001) === 0) closed.push(folder)
    if (folder === dirname(folder)) return closed
  }
}

/** Lets everybody pass (not look) through folders of `mkdtemp` (0700), which are ours: a temporary cluster needs no second home. */
const openTemporary = async (path: string): Promise<void> => {
  for (const folder of await closedFolders(path)) {
    if (folder.startsWith(`${tmpdir()}/`)) await chmod(folder, 0o711)
  }
}

const isReachable = async (path: string): Promise<boolean> => (await closedFolders(path)).length === 0

/** A folder of this data folder's own below `ROOT_FALLBACK_DIR`. */
const fallbackFor = (path: string): string =>
  join(ROOT_FALLBACK_DIR, createHash('sha256').update(path).digest('hex').slice(0, 12))

/**
 * Where the data really goes. Root in a closed home (`/root`, mode 0700) hands the server to a user that cannot get there:
 * then `dataDir` becomes a link to a folder below `/var/lib/fluxo`. Removing the link means to start anew.
 */
export const reachableDataDir = async (dataDir: string, user: ServerUser | undefined): Promise<string> => {
  if (!user) return dataDir
  await openTemporary(dataDir)
  if (await isReachable(dataDir)) return dataDir
  const real = join(fallbackFor(dataDir), 'data')
  const link = await lstat(dataDir).catch(() => undefined)
  if (!link) {
    await rm(real, { recursive: true, force: true })
    await mkdir(dirname(real), { recursive: true, mode: 0o755 })
    await symlink(real, dataDir)
  }
  return real
}

/** The programs where `user` can reach them: in place, or copied once (60 MB) beside the data. */
export const reachableBinaries = async (
  binaries: Binaries,
  dataDir: string,
  user: ServerUser | undefined,
): Promise<Binaries> => {
  if (!user || (await isReachable(binaries.postgres))) return binaries
  const native = dirname(dirname(binaries.postgres))
  const copy = join(fallbackFor(dataDir), 'native')
  const version = await readFile(join(dirname(native), 'package.json'), 'utf8')
  const copied = await readFile(join(copy, 'package.json'), 'utf8').catch(() => '')
  if (copied !== version) {
    await rm(copy, { recursive: true, force: true })
    await cp(native, copy, { recursive: true, verbatimSymlinks: true })
    await cp(join(dirname(native), 'package.json'), join(copy, 'package.json'))
  }
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') }
}
