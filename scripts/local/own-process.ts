import { type ChildProcess, execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { waitUntil } from './wait-until.ts'

/** How often a process that must end is looked at. */
const POLL_MS = 20

/** The signals of an ending, mildest first, each with the time that it gets before the next one. */
export type Ending = readonly { signal: NodeJS.Signals; graceMs: number }[]

/** Whether a process with this id exists, whoever owns it. A zombie counts as gone: it holds no file and no port. */
export const isAlive = async (pid: number): Promise<boolean> => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return !/\) Z /.test(stat)
}

/** The command line of a process, its arguments parted by blanks; an empty text where it is gone. */
const commandLineOf = async (pid: number): Promise<string> => {
  const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined)
  if (raw !== undefined) return raw.replaceAll('\0', ' ').trim()
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'command=', '-p', String(pid)], (error, stdout) => resolve(error ? '' : stdout.trim()))
  })
}

/**
 * A text that stays the same while a process lives and differs for the next one with its number: when it began. `undefined` where unknown.
 */
export const startMarkOf = async (pid: number): Promise<string | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // After the name in brackets, which may hold blanks, the 20th field is the start time in clock ticks since boot (proc(5)).
  if (stat !== undefined) return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'lstart=', '-p', String(pid)], (error, stdout) => resolve(error ? undefined : stdout.trim()))
  })
}

/** Resolves `true` once the process is gone, `false` when it is still there after `timeoutMs`. */
export const waitGone = (pid: number, timeoutMs: number): Promise<boolean> =>
  waitUntil(async () => !(await isAlive(pid)), { timeoutMs, everyMs: POLL_MS })

/** Resolves when a child has ended, also where it had before the call, with its exit code or signal as a text. */
export const endOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    const tell = () => resolve(String(child.signalCode ?? child.exitCode))
    if (child.exitCode !== null || child.signalCode !== null) tell()
    else child.once('exit', tell)
  })

/** Ends one process by its id with ever stronger signals; throws when it outlives the last one. */
export const endProcess = async (pid: number, ending: Ending): Promise<void> => {
  for (const { signal, graceMs } of ending) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
      throw error
    }
    if (await waitGone(pid, graceMs)) return
  }
  throw new Error(`process ${pid} did not end`)
}

/**
 * Ends what an earlier run left behind: the process named by a pid file, and only when its command line proves that it is ours.
 *
 * A pid file outlives its process after `kill -9`, and the number may belong to a stranger by then. Returns whether one was ended.
 */
export const endLeftOver = async (options: {
  pid: number | undefined
  /** Texts that must all occur in the command line, such as the program and the data folder. */
  proof: readonly string[]
  ending: Ending
}): Promise<boolean> => {
  const { pid, proof, ending } = options
  if (pid === undefined || pid === process.pid || !(await isAlive(pid))) return false
  const commandLine = await commandLineOf(pid)
  if (!proof.every((text) => commandLine.includes(text))) return false
  await endProcess(pid, ending)
  return true
}
