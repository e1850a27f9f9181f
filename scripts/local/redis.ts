import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { type Ending, endLeftOver, endOf, endProcess } from './own-process.ts'

/** Loading a large append-only file takes time; a minute is ample for a local one. */
const START_TIMEOUT_MS = 60_000
const START_POLL_MS = 20
const PING_TIMEOUT_MS = 1_000
/** A free port may be taken between the look and the bind. */
const START_ATTEMPTS_MAX = 3
/** Streams need XAUTOCLAIM's list of deleted ids and the lag of XINFO GROUPS: Redis 7.0. Every Valkey has them. */
const REDIS_MAJOR_MIN = 7
const PROGRAMS = ['redis-server', 'valkey-server'] as const
const ENDING: Ending = [
  { signal: 'SIGTERM', graceMs: 10_000 },
  { signal: 'SIGKILL', graceMs: 5_000 },
]

/** A Redis server of our own. */
export type LocalRedis = {
  url: string
  port: number
  pid: number
  /** The process id of the server that an earlier run had left on this folder and that was ended first. */
  leftOver: number | undefined
  /** Resolves when the server has ended, for whatever reason, with its exit code or signal. */
  ended: Promise<string>
  stop: () => Promise<void>
}

export type LocalRedisOptions = {
  dir: string
  port?: number
  appendonly?: boolean
  password?: string | undefined
  /** More lines of its configuration. */
  settings?: readonly string[]
  /** `false` keeps the server in our process group. Default: a group of its own, so that Ctrl-C does not close it under us. */
  ownGroup?: boolean
  log?: (line: string) => void
}

const versionOf = (program: string): Promise<string | undefined> =>
  new Promise((done) => {
    execFile(program, ['--version'], (error, stdout) => done(error ? undefined : stdout))
  })

/** The server program of this machine: `redis-server` ≥ 7.0 or `valkey-server` from PATH; throws a sentence that says what to do. */
const findRedisProgram = async (): Promise<string> => {
  let tooOld: string | undefined
  for (const program of PROGRAMS) {
    const version = await versionOf(program)
    if (version === undefined) continue
    const major = Number(/v=(\d+)\./.exec(version)?.[1] ?? 0)
    if (major >= REDIS_MAJOR_MIN) return program
    tooOld = version.trim()
  }
  const found =
    tooOld === undefined ? 'Neither redis-server nor valkey-server was found' : `This Redis is too old (${tooOld})`
  throw new Error(`${found}: install Redis ≥ ${REDIS_MAJOR_MIN}.0 or Valkey, or use \`docker compose up\`.`)
}

const pidFileOf = (dir: string): string => join(dir, 'redis.pid')

const configText = (options: LocalRedisOptions, dir: string, port: number): string => {
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir "${dir}"`,
    `pidfile "${pidFileOf(dir)}"`,
    'daemonize no',
    // The title must keep the path of this file: it is how a left-over process is known to be ours.
    'set-proc-title no',
    'save ""',
    `appendonly ${options.appendonly === false ? 'no' : 'yes'}`,
    'appendfsync everysec',
    'maxmemory-policy volatile-lru',
    ...(options.password === undefined ? [] : [`requirepass "${options.password}"`]),
    ...(options.settings ?? []),
  ]
  return `${lines.join('\n')}\n`
}

/** One PING on a socket of its own: whether the server answers and has loaded its data. */
const answersPing = (port: number, password: string | undefined): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let answer = ''
    const finish = (ok: boolean) => {
      socket.destroy()
      done(ok)
    }
    socket.setTimeout(PING_TIMEOUT_MS, () => finish(false))
    socket.once('error', () => finish(false))
    socket.once('close', () => finish(false))
    socket.once('connect', () => socket.write(`${password === undefined ? '' : `AUTH ${password}\r\n`}PING\r\n`))
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text
      if (answer.includes('+PONG')) finish(true)
      else if (/^-/m.test(answer)) finish(false)
    })
  })

const launch = async (options: LocalRedisOptions, program: string, dir: string, port: number) => {
  const configFile = join(dir, 'redis.conf')
  const logFile = `${dir}.log`
  await writeFile(configFile, configText(options, dir, port), { mode: 0o600 })
  const logHandle = await open(logFile, 'a', 0o600)
  const child = spawn(program, [configFile], {
    cwd: dir,
    detached: options.ownGroup ?? true,
    stdio: ['ignore', logHandle.fd, logHandle.fd],
  })
  await logHandle.close()
  let ended: string | undefined
  child.once('error', (error) => {
    ended = error.message
  })
  child.once('exit', (code, signal) => {
    ended = `ended with ${code ?? signal}`
  })
  const deadline = performance.now() + START_TIMEOUT_MS
  while (ended === undefined && performance.now() < deadline) {
    if ((await answersPing(port, options.password)) && ended === undefined)
      return child as ChildProcess & { pid: number }
    await delay(START_POLL_MS)
  }
  child.kill('SIGKILL')
  const tail = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n')
  throw new Error(`Redis did not start (${ended ?? 'timeout'}): ${tail}`)
}

const launchRetrying = async (options: LocalRedisOptions, program: string, dir: string) => {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort())
    try {
      return { port, child: await launch(options, program, dir, port) }
    } catch (error) {
      if (!/in use/i.test(String(error)) || attempt === START_ATTEMPTS_MAX) throw error
    }
  }
}

/** Ends the server that a run of ours left on this folder; resolves its process id, `undefined` where there was none. */
export const endLeftOverRedis = async (folder: string): Promise<number | undefined> => {
  const dir = resolve(folder)
  const pid = Number(await readFile(pidFileOf(dir), 'utf8').catch(() => '')) || undefined
  return (await endLeftOver({ pid, proof: [join(dir, 'redis.conf')], ending: ENDING })) ? pid : undefined
}

/**
 * Starts a private Redis (or Valkey) on 127.0.0.1 with its data in `dir`: append-only file, fsync each second, `volatile-lru`, so that
 * only keys with a TTL (the cache) can be evicted and streams never. A left-over server of the same folder is ended first.
 */
export const startRedis = async (options: LocalRedisOptions): Promise<LocalRedis> => {
  const log = options.log ?? (() => {})
  const dir = resolve(options.dir)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const program = await findRedisProgram()
  const leftOver = await endLeftOverRedis(dir)
  if (leftOver !== undefined) log(`redis: ended a left-over server (pid ${leftOver})`)
  await rm(pidFileOf(dir), { force: true })

  const { port, child } = await launchRetrying(options, program, dir)
  log(`redis: ready on port ${port} (pid ${child.pid})`)
  await writeFile(pidFileOf(dir), `${child.pid}\n`)
  const atExit = () => child.kill('SIGTERM')
  process.once('exit', atExit)
  const ended = endOf(child).finally(() => process.off('exit', atExit))
  let stopping: Promise<void> | undefined
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) await endProcess(child.pid, ENDING)
  }
  const credentials = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`
  return {
    url: `redis://${credentials}127.0.0.1:${port}`,
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
