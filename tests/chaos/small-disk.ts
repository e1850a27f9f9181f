import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from '../../scripts/local/own-process.ts'

/** A disk of its own that can be filled: a tmpfs, which needs root on Linux. */
export type SmallDisk = {
  dir: string
  /** Takes every byte that is left. */
  fill: () => Promise<void>
  /** Gives them back. */
  free: () => Promise<void>
  unmount: () => Promise<void>
}

/** Room for a cluster (40 MB), its write-ahead log (`max_wal_size` is set to 64 MB) and a long run's entries. */
const DISK_MB = 512
/** The name of our mounts in /proc/mounts, with the process that made them: a run that was killed leaves them behind. */
const DEVICE = 'fluxo-chaos-'
const BLOCKS = [1024 * 1024, 4_096] as const

const isNoSpace = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOSPC'

/** Unmounts at once for whoever looks next; what is still open there goes on until it is closed. */
const unmountNow = (dir: string): void => {
  spawnSync('umount', ['--lazy', dir], { stdio: 'ignore' })
}

/** Unmounts what runs left that were ended by force. */
export const sweepSmallDisks = async (): Promise<void> => {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '')
  for (const line of mounts.split('\n')) {
    const [device = '', dir = ''] = line.split(' ')
    if (!device.startsWith(DEVICE)) continue
    if (!(await isAlive(Number(device.slice(DEVICE.length))))) unmountNow(dir)
  }
}

/** Mounts a small disk at `dir`, or gives the reason why that is not permitted. It is unmounted with this process at the latest. */
export const mountSmallDisk = async (dir: string): Promise<SmallDisk | string> => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting a small disk needs root on Linux'
  await mkdir(dir, { recursive: true, mode: 0o711 })
  try {
    const options = `size=${DISK_MB}m,mode=0711`
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, `${DEVICE}${process.pid}`, dir], { stdio: 'pipe' })
  } catch {
    return 'mounting a small disk is not permitted here'
  }
  const atExit = () => unmountNow(dir)
  process.once('exit', atExit)
  const ballast = join(dir, 'ballast')
  return {
    dir,
    fill: async () => {
      const file = await open(ballast, 'a')
      try {
        for (const bytes of BLOCKS) {
          const block = Buffer.alloc(bytes, 1)
          let more = true
          while (more) {
            more = await file.write(block).then(
              ({ bytesWritten }) => bytesWritten === bytes,
              (error: unknown) => {
                if (!isNoSpace(error)) throw error
                return false
              },
            )
          }
        }
      } finally {
        await file.close()
      }
    },
    free: () => rm(ballast, { force: true }),
    unmount: async () => {
      process.off('exit', atExit)
      unmountNow(dir)
    },
  }
}
