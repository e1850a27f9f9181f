import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { waitUntil } from '../../scripts/local/wait-until.ts'
import { entryOf, type Service } from './services.ts'

/** A process that was begun, ready or not. */
export type BegunProcess = {
  pid: number
  /** Sends a signal and waits for the end of the process. */
  end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
  /** Resolves when the process has ended, for whatever reason, with its exit code or signal. */
  ended: Promise<number | string>
  /** The end of its output. */
  said: () => string
}

/** A service in a process of its own. */
export type ServiceProcess = BegunProcess & {
  /** Where it answers. */
  url: string
}

type ServiceOptions = {
  /** Flags of Node. */
  flags?: readonly string[] | undefined
  /** Hears each piece of output. */
  onOutput?: ((chunk: Buffer) => void) | undefined
  /** Hears of the process at once; what starts it waits until it is ready. */
  onBegun?: ((process: BegunProcess) => void) | undefined
  /**
   * Where it listens, and is asked until it is ready. Without, the system gives it a free port, and it says itself where it listens,
   * which it does from the log level `info` on.
   */
  port?: number | undefined
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const READY_TIMEOUT_MS = 30_000
const LOOK_MS = 10
const ANSWER_TIMEOUT_MS = 1_000
const SAID_MAX = 4_000

/** What a process says of itself, a line each; only the line that says where it listens matters. */
const readyUrl = (line: string): string | undefined => {
  if (!line.includes('"msg":"ready"')) return undefined
  const { url }: { url?: string } = JSON.parse(line)
  return url
}

/** Keeps the end of what is said, and where the process listens once it has said that. */
const createListener = () => {
  let said = ''
  let line = ''
  let url: string | undefined
  return {
    hear: (chunk: Buffer): void => {
      said = (said + chunk).slice(-SAID_MAX)
      if (url !== undefined) return
      const lines = (line + chunk).split('\n')
      line = lines.pop() ?? ''
      url = lines.map(readyUrl).find((found) => found !== undefined)
    },
    said: () => said,
    url: () => url,
  }
}

/** `url` once it answers that it is ready. */
const readyAt = (url: string): Promise<string | undefined> =>
  fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).then(
    async (answer) => {
      await answer.arrayBuffer()
      return answer.ok ? url : undefined
    },
    () => undefined,
  )

/** Starts a program that serves HTTP and resolves when it is ready. `file` is a path from the root of the repository. */
export const startProgram = async (
  file: string,
  env: Readonly<Record<string, string>>,
  { flags = [], onOutput = () => {}, onBegun = () => {}, port }: ServiceOptions = {},
): Promise<ServiceProcess> => {
  const child = spawn(process.execPath, [...flags, file], {
    cwd: root,
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_COMPILE_CACHE: `${root}.fluxo/compile-cache`,
      PORT: String(port ?? 0),
      LOG_LEVEL: 'info',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`${file} could not be started`)
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  let how: number | string | undefined
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
    process.off('exit', atExit)
    how = code ?? signal ?? 'unknown'
    return how
  })
  const { hear, said, url: saidUrl } = createListener()
  for (const stream of [child.stdout, child.stderr]) stream.on('data', hear).on('data', onOutput)
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    child.kill(signal)
    await ended
  }
  const begun = { pid, end, ended, said }
  onBegun(begun)
  let url: string | undefined
  const settled = async (): Promise<boolean> => {
    if (how !== undefined) return true
    url = port === undefined ? saidUrl() : await readyAt(`http://127.0.0.1:${port}`)
    return url !== undefined
  }
  await waitUntil(settled, { timeoutMs: READY_TIMEOUT_MS, everyMs: LOOK_MS })
  if (url !== undefined) return { ...begun, url }
  child.kill('SIGKILL')
  throw new Error(`${how === undefined ? 'not ready in time' : `ended with ${how}`}:\n${said()}`)
}

/** Starts a service and resolves when it is ready. */
export const startService = (
  service: Service,
  env: Readonly<Record<string, string>>,
  options?: ServiceOptions,
): Promise<ServiceProcess> => startProgram(entryOf(service), env, options)
