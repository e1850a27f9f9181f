import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { type Ending, endOf, endProcess } from './own-process.ts'
import { waitUntil } from './wait-until.ts'

/** A server of our own on 127.0.0.1. */
export type LocalServer = {
  port: number
  pid: number
  /** The process id of the server that an earlier run had left on this folder and that was ended first. */
  leftOver: number | undefined
  /** Resolves when the server has ended, for whatever reason, with its exit code or signal. */
  ended: Promise<string>
  stop: () => Promise<void>
}

/** What whoever starts a server may choose. */
export type LocalServerOptions = {
  port?: number | undefined
  /** `false` keeps the server in our process group, so that ending the group ends it too. Default: a group of its own, so that Ctrl-C does not close it under us. */
  ownGroup?: boolean | undefined
  log?: ((line: string) => void) | undefined
}

type Server = {
  name: string
  /** Takes what it says. */
  logFile: string
  program: string
  /** Its arguments for a port; what they name is there once this has resolved. */
  argumentsFor: (port: number) => readonly string[] | Promise<readonly string[]>
  spawnOptions: SpawnOptions
  isReady: (process: { port: number; pid: number | undefined }) => Promise<boolean>
  /** The first signal asks it to end in order, the second at once. */
  ending: Ending
  leftOver: number | undefined
}

type Child = ChildProcess & { pid: number }

/** Recovery after a crash, and loading a large file, take time; a minute is ample for a local server. */
const START_TIMEOUT_MS = 60_000
const START_POLL_MS = 20
/** A free port may be taken between the look and the bind, and the memory of a killed PostgreSQL may be held for a moment. */
const PASSING = /in use|lock file/i
const START_ATTEMPTS_MAX = 5
const START_RETRY_MS = 500
const LOG_TAIL_LINES = 5

/** Starts it and waits until it is ready; throws with the end of its log otherwise. */
const launch = async (server: Server, port: number, detached: boolean): Promise<Child> => {
  const { name, logFile, program, argumentsFor, spawnOptions, isReady, ending } = server
  const args = await argumentsFor(port)
  const logHandle = await open(logFile, 'a', 0o600)
  const stdio: SpawnOptions['stdio'] = ['ignore', logHandle.fd, logHandle.fd]
  const child = spawn(program, args, { ...spawnOptions, detached, stdio })
  await logHandle.close()
  let ended: string | undefined
  child.once('error', (error) => {
    ended = error.message
  })
  child.once('exit', (code, signal) => {
    ended = `ended with ${code ?? signal}`
  })
  let ready = false
  const settled = async (): Promise<boolean> => {
    if (ended === undefined) ready = await isReady({ port, pid: child.pid })
    return ready || ended !== undefined
  }
  await waitUntil(settled, { timeoutMs: START_TIMEOUT_MS, everyMs: START_POLL_MS })
  if (ready && ended === undefined) return child as Child
  child.kill(ending[1]?.signal)
  const tail = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').slice(-LOG_TAIL_LINES).join('\n')
  throw new Error(`${name} did not start (${ended ?? 'timeout'}): ${tail}`)
}

/** Tries again with another port, or a little later: what is passing goes away by itself. */
const launchRetrying = async (server: Server, { port: asked, ownGroup = true }: LocalServerOptions) => {
  for (let attempt = 1; ; attempt += 1) {
    const port = asked ?? (await freePort())
    try {
      return { port, child: await launch(server, port, ownGroup) }
    } catch (error) {
      if (!PASSING.test(String(error)) || attempt === START_ATTEMPTS_MAX) throw error
      await delay(START_RETRY_MS * attempt)
    }
  }
}

/** Starts a server program on the port that is asked for, or a free one. It ends with this process at the latest. */
export const startServer = async (server: Server, options: LocalServerOptions): Promise<LocalServer> => {
  const { name, ending, leftOver } = server
  const { log = () => {} } = options
  if (leftOver !== undefined) log(`${name}: ended a left-over server (pid ${leftOver})`)
  const { port, child } = await launchRetrying(server, options)
  log(`${name}: ready on port ${port} (pid ${child.pid})`)
  const atExit = () => child.kill(ending[0]?.signal)
  process.once('exit', atExit)
  const ended = endOf(child).finally(() => process.off('exit', atExit))
  let stopping: Promise<void> | undefined
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) await endProcess(child.pid, ending)
  }
  return {
    port,
    pid: child.pid,
    leftOver,
    ended,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}
