import { mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import postgres from 'postgres'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { databaseUrl, ensureDatabase, ensureRole } from './ensure-database.ts'
import { freePort, portIsFree } from './free-port.ts'
import { endLeftOver, isAlive, startMarkOf, waitGone } from './own-process.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'

let dir = ''
const closers: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fluxo-local-'))
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  await rm(dir, { recursive: true, force: true })
})

const postgresHere = async () => {
  const server = await startPostgres({ dataDir: join(dir, 'postgres'), ownGroup: false })
  closers.push(server.stop)
  return server
}

const query = async (url: string, statement: string) => {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    return [...(await sql.unsafe(statement))]
  } finally {
    await sql.end({ timeout: 5 })
  }
}

test('committed rows are there after the server is killed, and its stale lock file does not stop the next one', async () => {
  const first = await postgresHere()
  await query(first.url(), 'create table prova as select 7 as n')
  process.kill(first.pid, 'SIGKILL')
  expect(await waitGone(first.pid, 5_000)).toBe(true)
  const second = await postgresHere()
  expect(await query(second.url(), 'select n from prova')).toEqual([{ n: 7 }])
})

test('a server that an earlier run left on the same folder is ended before the next one starts', async () => {
  const left = await postgresHere()
  const next = await postgresHere()
  expect(await isAlive(left.pid)).toBe(false)
  expect(await query(next.url(), 'select 1 as n')).toEqual([{ n: 1 }])
})

test('a lock file whose number belongs to a stranger by now is removed, and the stranger lives', async () => {
  const first = await postgresHere()
  await first.stop()
  const lockFile = join(dir, 'postgres', 'postmaster.pid')
  await writeFile(lockFile, `${process.ppid}\n${join(dir, 'postgres')}\n`)
  const second = await postgresHere()
  expect(await isAlive(process.ppid)).toBe(true)
  expect(Number((await readFile(lockFile, 'utf8')).split('\n')[0])).toBe(second.pid)
})

test.runIf(process.getuid?.() === 0)(
  'root can run it below a folder that is closed to others, and the data stays',
  async () => {
    const closed = await mkdtemp('/var/tmp/fluxo-closed-')
    const start = () => startPostgres({ dataDir: join(closed, 'postgres'), ownGroup: false })
    const first = await start()
    const home = dirname(await readlink(join(closed, 'postgres')))
    closers.push(() => Promise.all([home, closed].map((folder) => rm(folder, { recursive: true, force: true }))))
    closers.push(first.stop)
    await query(first.url(), 'create table prova as select 7 as n')
    await first.stop()
    const second = await start()
    closers.push(second.stop)
    expect(await query(second.url(), 'select n from prova')).toEqual([{ n: 7 }])
  },
)

test('a durable server keeps fsync and synchronous commit, and refuses a wrong password', async () => {
  const server = await postgresHere()
  expect(await query(server.url(), 'show fsync')).toEqual([{ fsync: 'on' }])
  expect(await query(server.url(), 'show synchronous_commit')).toEqual([{ synchronous_commit: 'on' }])
  await expect(query(server.url('postgres', 'postgres', 'errada'), 'select 1')).rejects.toMatchObject({ code: '28P01' })
})

test('roles and databases are made once, however often and by however many at once', async () => {
  const server = await postgresHere()
  await Promise.all([1, 2, 3].map(() => ensureRole(server.url(), 'lancamentos', 'senha_1')))
  const owner = await ensureDatabase(server.url(), 'lancamentos')
  expect(await ensureDatabase(server.url(), 'lancamentos')).toBe(owner)
  const login = databaseUrl(owner, 'lancamentos', { role: 'lancamentos', password: 'senha_1' })
  expect(await query(login, 'select current_user::text as quem')).toEqual([{ quem: 'lancamentos' }])
  await expect(query(login, 'create table minha (n int)')).rejects.toMatchObject({ code: '42501' })
  await expect(ensureRole(server.url(), 'a"; drop', 'x')).rejects.toThrow('invariant')
})

test('what Redis had appended is there after it is killed and started again', async () => {
  const options = { dir: join(dir, 'redis'), password: 'segredo', ownGroup: false }
  const first = await startRedis(options)
  closers.push(first.stop)
  await tell(first.port, 'segredo', 'CONFIG SET appendfsync always', 'SET outra 8')
  process.kill(first.pid, 'SIGKILL')
  expect(await waitGone(first.pid, 5_000)).toBe(true)
  const second = await startRedis(options)
  closers.push(second.stop)
  expect(await tell(second.port, 'segredo', 'GET outra')).toContain('8')
  expect(await tell(second.port, 'segredo', 'CONFIG GET maxmemory-policy')).toContain('volatile-lru')
  const third = await startRedis(options)
  closers.push(third.stop)
  expect(await isAlive(second.pid)).toBe(false)
})

/** Sends inline commands and resolves what came back until the server had answered them all. */
const tell = (port: number, password: string, ...commands: string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () =>
      socket.write([`AUTH ${password}`, ...commands, 'QUIT', ''].join('\r\n')),
    )
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.once('error', reject).once('close', () => resolve(answer))
  })

test('a free port can be bound, and a bound one is not free', async () => {
  const port = await freePort()
  expect(await portIsFree(port, '127.0.0.1')).toBe(true)
  const server = createServer().listen(port, '127.0.0.1')
  closers.push(() => new Promise((done) => server.close(done)))
  await new Promise((done) => server.once('listening', done))
  expect(await portIsFree(port, '127.0.0.1')).toBe(false)
})

test('a process is ours only when its command line proves it', async () => {
  expect(await startMarkOf(process.pid)).toBe(await startMarkOf(process.pid))
  expect(await startMarkOf(process.pid)).not.toBe(await startMarkOf(1))
  const ending = [{ signal: 'SIGTERM', graceMs: 1_000 }] as const
  expect(await endLeftOver({ pid: process.ppid, proof: ['no such program'], ending })).toBe(false)
  expect(await endLeftOver({ pid: undefined, proof: [], ending })).toBe(false)
})
