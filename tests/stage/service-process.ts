import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { entryOf, type Service } from './services.ts'

/** A service in a process of its own. */
export type ServiceProcess = {
  /** Where it answers, as it said itself. */
  url: string
  pid: number
  /** Sends a signal and waits for the end of the process. */
  end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
  /** Resolves when the process has ended, for whatever reason, with its exit code or signal. */
  ended: Promise<number | string>
}

export type ServiceOptions = {
  /** Flags of Node. */
  flags?: readonly string[] | undefined
  /** Hears each piece of output. */
  onOutput?: ((chunk: Buffer) => void) | undefined
  /** Hears the process id at once; `startService` itself waits until the service is ready. */
  onPid?: ((pid: number) => void) | undefined
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const READY_TIMEOUT_MS = 30_000

/** What a process says of itself, a line each; only the line that says where it listens matters. */
const readyUrl = (line: string): string | undefined => {
  if (!line.includes('"msg":"ready"')) return undefined
  const { url }: { url?: string } = JSON.parse(line)
  return url
}

const listening = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let tail = ''
    let all = ''
    const timer = setTimeout(() => reject(new Error(`not ready in time:\n${all}`)), READY_TIMEOUT_MS)
    const read = (chunk: Buffer): void => {
      all = (all + chunk).slice(-4_000)
      const lines = (tail + chunk).split('\n')
      tail = lines.pop() ?? ''
      const url = lines.map(readyUrl).find((found) => found !== undefined)
      if (url === undefined) return
      clearTimeout(timer)
      resolve(url)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${all}`)))
  })

/** Starts a service on a free port and resolves when it is ready. */
export const startService = async (
  service: Service,
  env: Readonly<Record<string, string>>,
  { flags = [], onOutput = () => {}, onPid = () => {} }: ServiceOptions = {},
): Promise<ServiceProcess> => {
  const child = spawn(process.execPath, [...flags, entryOf(service)], {
    cwd: root,
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_COMPILE_CACHE: `${root}.fluxo/compile-cache`,
      PORT: '0',
      LOG_LEVEL: 'info',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (child.pid !== undefined) onPid(child.pid)
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
    process.off('exit', atExit)
    return code ?? signal ?? 'unknown'
  })
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', onOutput)
  const url = await listening(child).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  return {
    url,
    pid: child.pid ?? -1,
    end: async (signal) => {
      child.kill(signal)
      await ended
    },
    ended,
  }
}
