import { readFile, writeFile } from 'node:fs/promises'
import { freePort } from '../scripts/local/free-port.ts'
import { type BegunProcess, startProgram } from '../tests/stage/service-process.ts'
import { ownCpuMs } from './cpu.ts'

/** A process of ours under measurement. */
export type MeasuredProcess = {
  name: string
  url: string
  pid: number
  /** Ends it by its id, gracefully first. Rejects where it had ended by itself. */
  stop: () => Promise<void>
  /** Forgets the peak so far, so that the next reading is that of one row. */
  resetPeak: () => Promise<void>
  /** Peak resident memory, MiB; `undefined` where the system does not tell (it is read from /proc). */
  peakRssMb: () => Promise<number | undefined>
  /** CPU time used so far, milliseconds, all threads; NaN where the system does not tell. */
  cpuMs: () => Promise<number>
}

/** Longer than the services' own deadline for closing. */
const GRACE_MS = 16_000
const KIB_PER_MIB = 1024

const peakRssMb = async (pid: number): Promise<number | undefined> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kib = /VmHWM:\s+(\d+) kB/.exec(status)?.[1]
  return kib === undefined ? undefined : Number(kib) / KIB_PER_MIB
}

/** How to end a process once. */
const stopOf = (name: string, { ended, end, said }: BegunProcess, isReady: () => boolean): (() => Promise<void>) => {
  let how: number | string | undefined
  void ended.then((ownEnd) => {
    how = ownEnd
  })
  const stop = async () => {
    if (how !== undefined && isReady()) throw new Error(`${name} ended with ${how}:\n${said()}`)
    const late = setTimeout(() => void end('SIGKILL'), GRACE_MS)
    await end('SIGTERM')
    clearTimeout(late)
  }
  let stopping: Promise<void> | undefined
  return () => {
    stopping ??= stop()
    return stopping
  }
}

type Program = { name: string; file: string; env: Readonly<Record<string, string>>; flags: readonly string[] }

/**
 * Starts a Node program that serves HTTP and waits until it is ready; rejects with the end of its output.
 *
 * `opened` hears how to end it before it is waited for, so that nothing is left behind where the wait fails or is interrupted.
 */
export const startMeasured = async (
  { name, file, env, flags }: Program,
  opened: (stop: () => Promise<void>) => void,
): Promise<MeasuredProcess> => {
  let ready = false
  let stop = () => Promise.resolve()
  const onBegun = (begun: BegunProcess) => {
    stop = stopOf(name, begun, () => ready)
    opened(stop)
  }
  const { url, pid } = await startProgram(file, env, { flags, onBegun, port: await freePort() })
  ready = true
  return {
    name,
    url,
    pid,
    stop,
    // 5 resets the peak (proc(5), clear_refs); elsewhere the peak is that of the whole life.
    resetPeak: () => writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => {}),
    peakRssMb: () => peakRssMb(pid),
    cpuMs: () => ownCpuMs(pid),
  }
}
