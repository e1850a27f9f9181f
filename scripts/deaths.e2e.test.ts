import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { waitFor } from '../tests/stage/wait-for.ts'
import { freePort } from './local/free-port.ts'
import { isAlive, waitGone } from './local/own-process.ts'
import { readRunning } from './running.ts'
import { childrenOf, READY, type Started, serverPids, servicesPid, startFluxo } from './start-process.ts'

const GONE_MS = 20_000
const ENTRY = JSON.stringify({ tipo: 'CREDITO', valor: 1, data: '2026-11-21', descricao: 'Venda' })

let folder = ''
let port = 0
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fluxo-deaths-'))
  port = await freePort()
})

const seen = new Set<number>()
afterEach(async () => {
  const running = await readRunning(folder)
  if (running) process.kill(running.pid, 'SIGTERM')
  const alive = async () => {
    const states = await Promise.all([...seen].map(isAlive))
    return !states.includes(true)
  }
  await waitFor(alive, { timeoutMs: GONE_MS, what: 'the end of every process of the test' }).finally(() => {
    seen.clear()
    return rm(folder, { recursive: true, force: true })
  })
})

/** Starts through the launcher, as `npm start` does. */
const start = async (env: Readonly<Record<string, string>> = {}, until = READY): Promise<Started> => {
  const started = await startFluxo({ folder, port, file: 'run.mjs', until, env })
  for (const pid of [started.child.pid, await servicesPid(folder), ...Object.values(await serverPids(folder))])
    seen.add(pid)
  return started
}

const allGone = async (pids: readonly number[]): Promise<void> => {
  for (const pid of pids) expect(await waitGone(pid, GONE_MS)).toBe(true)
}

const ended = (started: Started) =>
  waitFor(() => started.child.exitCode !== null || started.child.signalCode !== null, {
    timeoutMs: GONE_MS,
    what: 'the end of the launcher',
  })

describe('whatever ends npm start, its servers end too', () => {
  test('a kill -9 of the services’ process', async () => {
    const started = await start()
    const servers = await serverPids(folder)
    process.kill(await servicesPid(folder), 'SIGKILL')
    await allGone(Object.values(servers))
    await ended(started)
    expect(started.child.exitCode).toBe(137)
    expect(started.output()).toContain('ended unexpectedly (SIGKILL)')
  })

  test('a heap out of memory', async () => {
    const greedy = join(folder, 'greedy.mjs')
    await writeFile(
      greedy,
      "process.on('SIGUSR2', () => { for (const all = []; ; ) all.push(new Array(1e5).fill({})) })",
    )
    const started = await start({ NODE_OPTIONS: `--max-old-space-size=256 --import=${greedy}` })
    const servers = await serverPids(folder)
    process.kill(await servicesPid(folder), 'SIGUSR2')
    await allGone(Object.values(servers))
    await ended(started)
    expect(started.output()).toContain('heap out of memory')
    expect(started.output()).toContain('ended unexpectedly (SIGABRT)')
  })

  test('a kill -9 of the launcher', async () => {
    const started = await start()
    const servers = await serverPids(folder)
    const services = await servicesPid(folder)
    process.kill(started.child.pid, 'SIGKILL')
    await allGone([services, ...Object.values(servers)])
  })

  test('a kill -9 of its whole process group', async () => {
    const started = await start()
    const servers = await serverPids(folder)
    process.kill(-started.child.pid, 'SIGKILL')
    await allGone(Object.values(servers))
  })

  test('where nobody was left to end them, the next start takes them over and says so', async () => {
    const first = await start()
    const servers = await serverPids(folder)
    for (const guard of await childrenOf(await servicesPid(folder), 'fluxo-guard')) process.kill(guard, 'SIGKILL')
    process.kill(-first.child.pid, 'SIGKILL')
    expect(await waitGone(first.child.pid, GONE_MS)).toBe(true)
    for (const pid of Object.values(servers)) expect(await isAlive(pid)).toBe(true)
    const second = await start()
    expect(second.output()).toContain(`ended the PostgreSQL of an earlier start (process ${servers.postgres})`)
    expect(second.output()).toContain(`ended the Redis of an earlier start (process ${servers.redis})`)
    await allGone(Object.values(servers))
  })
})

const tokenOf = (started: Started): string => /valid for 30 days:\n(\S+)/.exec(started.output())?.[1] ?? ''

/** Registers an entry; resolves its id where it was acknowledged. */
const register = async (token: string): Promise<string | undefined> => {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const answer = await fetch(`http://127.0.0.1:${port}/lancamentos`, { method: 'POST', headers, body: ENTRY }).catch(
    () => undefined,
  )
  if (answer?.status !== 201) return undefined
  const { id }: { id: string } = JSON.parse(await answer.text())
  return id
}

const balance = async (token: string): Promise<number> => {
  const headers = { Authorization: `Bearer ${token}` }
  const answer = await fetch(`http://127.0.0.1:${port}/consolidado/2026-11-21`, { headers })
  return JSON.parse(await answer.text()).quantidade
}

describe('a server that dies is started again', () => {
  test('PostgreSQL and Redis are killed while requests go on: writing goes on, and nothing acknowledged is lost', async () => {
    const started = await start()
    const token = tokenOf(started)
    const acknowledged: string[] = []
    const done = new AbortController()
    let refused = 0
    const writer = async () => {
      while (!done.signal.aborted) {
        const id = await register(token)
        if (id === undefined) refused += 1
        else acknowledged.push(id)
      }
    }
    const writers = [writer(), writer(), writer()]
    for (const name of ['redis', 'postgres', 'redis'] as const) {
      const before = await serverPids(folder)
      const count = acknowledged.length
      await waitFor(() => acknowledged.length > count + 20, { what: 'entries' })
      process.kill(before[name], 'SIGKILL')
      expect(await waitGone(before[name], GONE_MS)).toBe(true)
      const after = () => serverPids(folder).catch(() => before)
      await waitFor(async () => (await after())[name] !== before[name], { timeoutMs: GONE_MS, what: `a new ${name}` })
      seen.add((await serverPids(folder))[name])
      const then = acknowledged.length
      await waitFor(() => acknowledged.length > then + 20, { timeoutMs: GONE_MS, what: `entries after ${name} died` })
    }
    done.abort()
    await Promise.all(writers)
    expect(refused).toBeGreaterThan(0)

    const read = async (id: string) =>
      (await fetch(`http://127.0.0.1:${port}/lancamentos/${id}`, { headers: { Authorization: `Bearer ${token}` } }))
        .status
    for (const id of acknowledged) expect(await read(id)).toBe(200)
    await waitFor(async () => (await balance(token)) >= acknowledged.length, {
      timeoutMs: GONE_MS,
      what: 'the balance',
    })

    expect(started.output()).toContain('PostgreSQL ended unexpectedly (SIGKILL)')
    expect(started.output()).toContain('Redis runs again')
    expect(started.output()).not.toMatch(/^\s+at /m)
    expect(started.output()).not.toContain('"stack"')
  })

  test('one that dies again and again is given up, loudly, with what to do', async () => {
    const started = await start()
    const { postgres } = await serverPids(folder)
    const killed = new Set<number>()
    const killNext = async () => {
      const { redis } = await serverPids(folder).catch(() => ({ redis: 0 }))
      if (redis > 0 && !killed.has(redis) && (await isAlive(redis))) {
        killed.add(redis)
        process.kill(redis, 'SIGKILL')
      }
      return started.child.exitCode !== null
    }
    await waitFor(killNext, { timeoutMs: 60_000, what: 'its giving up' })
    expect(started.child.exitCode).toBe(1)
    expect(started.output()).toMatch(/Redis died 6 times in a row .*is not started again.*redis\.log.*npm start/)
    expect(started.output()).not.toMatch(/^\s+at /m)
    await allGone([postgres, ...killed])
  })
})
