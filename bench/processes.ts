import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Ending, endProcess } from '../scripts/local/own-process.ts'
import { ownCpuMs } from './cpu.ts'

/** A process of ours under measurement. */
export type Service = {
  name: string
  url: string
  pid: number
  /** Ends it by its id, gracefully first. */
  stop: () => Promise<void>
  /** Forgets the peak so far, so that the next reading is that of one row. */
  resetPeak: () => Promise<void>
  /** Peak resident memory, MiB; `undefined` where the system does not tell (it is read from /proc). */
  peakRssMb: () => Promise<number | undefined>
  /** CPU time used so far, milliseconds, all threads; NaN where the system does not tell. */
  cpuMs: () => Promise<number>
}

export type ServiceOptions = {
  name: string
  file: string
  port: number
  env: Readonly<Record<string, string>>
  /** Answers 200 once the process can serve. */
  readyPath: string
  /** Its output goes to a file here. */
  folder: string
  /** Flags of Node. */
  nodeFlags?: readonly string[]
}

/** As in `npm start` and in the image: compiled once, a service loads no TypeScript parser. */
const COMPILE_CACHE = fileURLToPath(new URL('../.fluxo/compile-cache', import.meta.url))

const READY_TIMEOUT_MS = 30_000
const READY_POLL_MS = 20
const LOG_TAIL_LINES = 8
/** Longer than the services' own deadline for closing. */
const ENDING: Ending = [
  { signal: 'SIGTERM', graceMs: 16_000 },
  { signal: 'SIGKILL', graceMs: 5_000 },
]
const KIB_PER_MIB = 1024

const tailOf = async (file: string): Promise<string> =>
  (await readFile(file, 'utf8').catch(() => '')).trim().split('\n').slice(-LOG_TAIL_LINES).join('\n')

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    async (response) => {
      await response.arrayBuffer()
      return response.ok
    },
    () => false,
  )

const waitReady = async (child: ChildProcess, url: string, { name, file }: { name: string; file: string }) => {
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) break
    if (await answers(url)) return
    await delay(READY_POLL_MS)
  }
  throw new Error(`${name} did not get ready:\n${await tailOf(file)}`)
}

/** What a finished `child` of `startNode` wrote last, with how it ended. */
const describeEnd = (child: ChildProcess): string => `ended with ${child.exitCode ?? child.signalCode}`

const peakRssMb = async (pid: number): Promise<number | undefined> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kib = /VmHWM:\s+(\d+) kB/.exec(status)?.[1]
  return kib === undefined ? undefined : Number(kib) / KIB_PER_MIB
}

/**
 * Starts a Node process that serves on `port` of 127.0.0.1 and waits until it is ready; rejects with the end of its output.
 *
 * It gets no environment but `env` and PATH. `opened` hears how to end it before it is waited for, so that nothing is left
 * behind where the wait fails or is interrupted.
 */
export const startNode = async (
  options: ServiceOptions,
  opened: (stop: () => Promise<void>) => void,
): Promise<Service> => {
  const { name, port, folder } = options
  const file = join(folder, `${name}-${port}.log`)
  const output = await open(file, 'a')
  const child = spawn(process.execPath, [...(options.nodeFlags ?? []), options.file], {
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: COMPILE_CACHE, ...options.env, PORT: String(port) },
    stdio: ['ignore', output.fd, output.fd],
  })
  await output.close()
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} could not be started`)
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  const reached: { ready: boolean } = { ready: false }
  let stopping: Promise<void> | undefined
  const end = async () => {
    process.off('exit', atExit)
    if (child.exitCode === null && child.signalCode === null) await endProcess(pid, ENDING)
    else if (reached.ready) throw new Error(`${name} ${describeEnd(child)}:\n${await tailOf(file)}`)
  }
  const stop = () => {
    stopping ??= end()
    return stopping
  }
  opened(stop)
  const url = `http://127.0.0.1:${port}`
  await waitReady(child, `${url}${options.readyPath}`, { name, file })
  reached.ready = true
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
