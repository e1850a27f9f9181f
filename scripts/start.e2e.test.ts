import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@fluxo/shared/local/free-port'
import { isAlive, waitGone } from '@fluxo/shared/local/own-process'
import { waitFor } from '@fluxo/shared/testing/wait-for'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from './data-folder.ts'

const STOP_MS = 10_000

type Started = { child: ChildProcess & { pid: number }; output: () => string; curls: () => string[] }

let folder = ''
let port = 0
let current: Started | undefined

/** Starts as `npm start` does after its installation, in a process group of its own, and waits for what it prints. */
const start = async (until: RegExp, env: Readonly<Record<string, string>> = {}): Promise<Started> => {
  const child = spawn(process.execPath, [join(root, 'scripts', 'start.ts')], {
    cwd: root,
    detached: true,
    env: { ...process.env, FLUXO_DATA: folder, PORT: String(port), ...env },
  }) as ChildProcess & { pid: number }
  let output = ''
  const add = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout?.on('data', add)
  child.stderr?.on('data', add)
  const curls = () => output.split('\n').filter((line) => line.startsWith('curl '))
  await waitFor(() => until.test(output) || child.exitCode !== null, { timeoutMs: 60_000, what: String(until) })
  expect(output).toMatch(until)
  return { child, output: () => output, curls }
}

const ready = /curl .*consolidado\//

const shell = (command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile('sh', ['-c', command], (error, stdout) => (error ? reject(error) : resolve(stdout)))
  })

const serverPids = async (): Promise<number[]> => {
  const postmaster = await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')
  const redis = await readFile(join(folder, 'redis', 'redis.pid'), 'utf8')
  return [Number(postmaster.split('\n')[0]), Number(redis)]
}

/** How many entries the day has, by the printed call. */
const quantidade = async (started: Started): Promise<number> => {
  const body = (await shell(`${started.curls()[1]} -s`)).split('\r\n\r\n')[1] ?? '{}'
  return JSON.parse(body).quantidade
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fluxo-start-'))
  port = await freePort()
})

afterAll(async () => {
  const pid = current?.child.pid
  if (pid !== undefined && (await isAlive(pid))) {
    process.kill(pid, 'SIGTERM')
    await waitGone(pid, STOP_MS)
  }
  await rm(folder, { recursive: true, force: true })
})

test('the two printed calls work as they are printed', async () => {
  current = await start(ready)
  const [post = '', get = ''] = current.curls()
  expect(await shell(`${post} -s`)).toMatch(/^HTTP\/1.1 201 /)
  expect(await shell(`${get} -s`)).toMatch(/^HTTP\/1.1 200 /)
  const started = current
  await waitFor(async () => (await quantidade(started)) === 1, { what: 'the entry in the balance of its day' })
})

test('a second start on the same data folder says where the first one is, and ends with an error', async () => {
  const second = await start(/already running/)
  await waitFor(() => second.child.exitCode !== null)
  expect(second.child.exitCode).toBe(1)
  expect(second.output()).toContain(`process ${current?.child.pid}, http://127.0.0.1:${port}`)
})

test('Ctrl-C stops everything in seconds, the servers too', async () => {
  const pids = await serverPids()
  const pid = current?.child.pid ?? 0
  process.kill(-pid, 'SIGINT')
  expect(await waitGone(pid, STOP_MS)).toBe(true)
  for (const server of pids) expect(await isAlive(server)).toBe(false)
  // The system lets go of a process a moment before Node tells of its end.
  await waitFor(() => current?.child.exitCode !== null || current.child.signalCode !== null)
  expect(current?.child.exitCode).toBe(0)
})

test('a taken port is said in one line, before anything is started', async () => {
  const other = createServer().listen(port, '127.0.0.1')
  await new Promise((done) => other.once('listening', done))
  const refused = await start(/is taken/)
  await waitFor(() => refused.child.exitCode !== null)
  expect(refused.output().trim().split('\n')).toEqual([expect.stringContaining(`port ${port} is taken`)])
  await new Promise((done) => other.close(done))
})

test('after kill -9 of the process group the next start ends what was left, and the data is there', async () => {
  current = await start(ready)
  expect(await quantidade(current)).toBe(1)
  const left = await serverPids()
  process.kill(-current.child.pid, 'SIGKILL')
  expect(await waitGone(current.child.pid, STOP_MS)).toBe(true)
  current = await start(ready)
  for (const server of left) expect(await isAlive(server)).toBe(false)
  expect(await quantidade(current)).toBe(1)
})

test('after a kill -9 of everything at once the next start recovers too', async () => {
  const pids = [...(await serverPids()), current?.child.pid ?? 0]
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  for (const pid of pids) expect(await waitGone(pid, STOP_MS)).toBe(true)
  current = await start(ready)
  expect(await quantidade(current)).toBe(1)
})
