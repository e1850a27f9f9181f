import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../tests/stage/wait-for.ts'
import { freePort } from './local/free-port.ts'
import { isAlive, waitGone } from './local/own-process.ts'
import { READY, type Started, serverPids, startFluxo } from './start-process.ts'

const STOP_MS = 10_000

let folder = ''
let port = 0
let current: Started | undefined

const start = (until = READY): Promise<Started> => startFluxo({ folder, port, until })

const shell = (command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile('sh', ['-c', command], (error, stdout) => (error ? reject(error) : resolve(stdout)))
  })

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
  current = await start()
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
  const pids = Object.values(await serverPids(folder))
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
  current = await start()
  expect(await quantidade(current)).toBe(1)
  const left = Object.values(await serverPids(folder))
  process.kill(-current.child.pid, 'SIGKILL')
  expect(await waitGone(current.child.pid, STOP_MS)).toBe(true)
  current = await start()
  for (const server of left) expect(await isAlive(server)).toBe(false)
  expect(await quantidade(current)).toBe(1)
})

test('after a kill -9 of everything at once the next start recovers too', async () => {
  const pids = [...Object.values(await serverPids(folder)), current?.child.pid ?? 0]
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  for (const pid of pids) expect(await waitGone(pid, STOP_MS)).toBe(true)
  current = await start()
  expect(await quantidade(current)).toBe(1)
})

test('whoever closes the terminal, or what reads its output, gets an end in order', async () => {
  const pids = Object.values(await serverPids(folder))
  const child = current?.child
  child?.stdout?.destroy()
  child?.stderr?.destroy()
  child?.kill('SIGHUP')
  await waitFor(() => child?.exitCode !== null || child.signalCode !== null, { timeoutMs: STOP_MS, what: 'its end' })
  expect(child?.exitCode).toBe(0)
  for (const server of pids) expect(await isAlive(server)).toBe(false)
})
