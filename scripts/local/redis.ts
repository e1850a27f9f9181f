import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { type Ending, endLeftOver } from './own-process.ts'
import { type LocalServer, type LocalServerOptions, startServer } from './server.ts'

const PING_TIMEOUT_MS = 1_000
/** Streams need XAUTOCLAIM's list of deleted ids and the lag of XINFO GROUPS: Redis 7.0. Every Valkey has them. */
const REDIS_MAJOR_MIN = 7
const PROGRAMS = ['redis-server', 'valkey-server'] as const
const ENDING: Ending = [
  { signal: 'SIGTERM', graceMs: 10_000 },
  { signal: 'SIGKILL', graceMs: 5_000 },
]

/** A Redis server of our own. */
export type LocalRedis = LocalServer & { url: string }

export type LocalRedisOptions = LocalServerOptions & {
  dir: string
  appendonly?: boolean
  password?: string | undefined
  /** More lines of its configuration. */
  settings?: readonly string[]
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
  const dir = resolve(options.dir)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const program = await findRedisProgram()
  const leftOver = await endLeftOverRedis(dir)
  await rm(pidFileOf(dir), { force: true })
  const configFile = join(dir, 'redis.conf')
  const server = await startServer(
    {
      name: 'Redis',
      logFile: `${dir}.log`,
      program,
      argumentsFor: async (port) => {
        await writeFile(configFile, configText(options, dir, port), { mode: 0o600 })
        return [configFile]
      },
      spawnOptions: { cwd: dir },
      isReady: ({ port }) => answersPing(port, options.password),
      ending: ENDING,
      leftOver,
    },
    options,
  )
  await writeFile(pidFileOf(dir), `${server.pid}\n`)
  const credentials = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`
  return { ...server, url: `redis://${credentials}127.0.0.1:${server.port}` }
}
