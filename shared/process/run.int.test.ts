import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { OpenAPIHono } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import type { AppEnv } from '../http/env.ts'
import type { AppModule } from '../http/module.ts'
import { createLogger } from '../telemetry/logger.ts'
import { createLifecycle } from './lifecycle.ts'
import { runModules } from './run.ts'

const log = createLogger({ service: 'teste', stream: { write: () => undefined } })

function recorded(name: string, events: string[], change: Partial<AppModule> = {}): AppModule {
  const note = (what: string) => async () => void events.push(`${name} ${what}`)
  const routes = new OpenAPIHono<AppEnv>()
  routes.get(`/${name}`, (c) => c.text(name))
  return { name, routes, checks: [], start: note('start'), drain: note('drain'), close: note('close'), ...change }
}

function run(modules: AppModule[], events: string[], change: { port?: number; drainNoticeMs?: number } = {}) {
  const lifecycle = createLifecycle({ log, deadlineMs: 5000 })
  lifecycle.defer('room', () => void events.push('room closed'))
  const options = { port: 0, hostname: '127.0.0.1', log, lifecycle, signals: false, ...change }
  return runModules({ modules, registry: new Registry(), ...options })
}

test('modules start in order and leave from the doors to the rooms', async () => {
  const events: string[] = []
  const process = await run([recorded('a', events), recorded('b', events)], events)
  expect(await (await fetch(`${process.url}/a`)).text()).toBe('a')
  await Promise.all([process.stop(), process.stop()])
  const leaving = ['b drain', 'a drain', 'b close', 'a close', 'room closed']
  expect(events).toEqual(['a start', 'b start', ...leaving])
  await expect(fetch(process.url)).rejects.toThrow()
})

test('while leaving, readiness says so first and requests are answered during the notice', async () => {
  const process = await run([recorded('a', [])], [], { drainNoticeMs: 300 })
  expect((await fetch(`${process.url}/health/ready`)).status).toBe(200)
  const stopped = process.stop()
  const ready = await fetch(`${process.url}/health/ready`)
  expect([ready.status, ready.headers.get('Connection')]).toEqual([503, 'close'])
  expect((await fetch(`${process.url}/a`)).status).toBe(200)
  await stopped
})

test('answers that would never end by themselves end when their module leaves, and hold nothing up', async () => {
  const streams: ReadableStreamDefaultController<Uint8Array>[] = []
  const routes = new OpenAPIHono<AppEnv>()
  routes.get('/a', () => new Response(new ReadableStream({ start: (stream) => void streams.push(stream) })))
  const leave = () => {
    for (const stream of streams) stream.close()
  }
  const process = await run([recorded('a', [], { routes, leave })], [])
  const endless = fetch(`${process.url}/a`).then((answer) => answer.text())
  await waitFor(() => streams.length === 1)
  const started = performance.now()
  await process.stop()
  // Requests in flight would be cut after 12 s.
  expect(performance.now() - started).toBeLessThan(8_000)
  expect(await endless).toBe('')
})

test('a module that does not start ends the process with all that was opened closed again', async () => {
  const events: string[] = []
  const broken = recorded('b', events, { start: () => Promise.reject(new Error('no database')) })
  await expect(run([recorded('a', events), broken], events)).rejects.toThrow('no database')
  expect(events).toEqual(['a start', 'b drain', 'a drain', 'b close', 'a close', 'room closed'])
})

test('a taken port closes what was opened before', async () => {
  const first = await run([recorded('a', [])], [])
  const events: string[] = []
  await expect(run([recorded('b', events)], events, { port: first.port })).rejects.toThrow('EADDRINUSE')
  expect(events).toEqual(['room closed'])
  await first.stop()
})

test('health answers while modules are starting, and the rest waits for them', async () => {
  const gate = Promise.withResolvers<void>()
  const port = await freePort()
  const starting = run([recorded('a', [], { start: () => gate.promise })], [], { port })
  const url = `http://127.0.0.1:${port}`
  await waitFor(async () => (await fetch(`${url}/health/live`).catch(() => undefined))?.status === 200, {
    what: 'live',
  })
  expect((await fetch(`${url}/health/ready`)).status).toBe(503)
  // As long as anybody waits.
  expect(await (await fetch(`${url}/a`)).json()).toMatchObject({ codigo: 'iniciando' })
  const early = fetch(`${url}/a`)
  // A later request that is answered: the earlier one has arrived, and waits.
  await fetch(`${url}/health/live`)
  gate.resolve()
  const process = await starting
  expect((await early).status).toBe(200)
  await process.stop()
})

async function freePort(): Promise<number> {
  const probe = await run([], [])
  await probe.stop()
  return probe.port
}

/** A process of its own, as `main.ts` would be: its slow route holds a request, its drain may hang. */
const script = (drain: string) => `
  import { OpenAPIHono } from '@hono/zod-openapi'
  import { Registry } from 'prom-client'
  import { createLifecycle } from '${import.meta.resolve('./lifecycle.ts')}'
  import { runModules } from '${import.meta.resolve('./run.ts')}'
  import { createLogger } from '${import.meta.resolve('../telemetry/logger.ts')}'
  const log = createLogger({ service: 'teste' })
  const routes = new OpenAPIHono()
  routes.get('/lento', async (c) => { await new Promise((r) => setTimeout(r, 300)); return c.text('pronto') })
  routes.get('/erro', (c) => { setImmediate(() => { throw new Error('uncaught') }); return c.text('x') })
  routes.get('/rejeita', (c) => { void Promise.reject(new Error('unhandled')); return c.text('x') })
  const nothing = async () => {}
  const module = { name: 'm', routes, checks: [], start: nothing, drain: ${drain}, close: nothing }
  const lifecycle = createLifecycle({ log, deadlineMs: 20000 })
  await runModules({ modules: [module], port: 0, hostname: '127.0.0.1', log, registry: new Registry(), lifecycle })
`
const HANGS = '() => new Promise(() => {})'

type Child = ChildProcessByStdio<null, Readable, Readable>
const children: Child[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function spawnProcess(drain = 'async () => {}') {
  const node = ['--input-type=module', '-e', script(drain)]
  const child = spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'pipe'], cwd: import.meta.dirname })
  children.push(child)
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    output += String(chunk)
  })
  const exit = once(child, 'close') as Promise<[number | null, string | null]>
  await waitFor(() => output.includes('"msg":"ready"'), { what: 'the process', timeoutMs: 20_000 })
  const url = /"url":"([^"]+)"/.exec(output)?.[1] ?? ''
  return { child, url, exit, output: () => output }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s: the request in flight is answered, then exit 0, with its log',
  async (signal) => {
    const { child, url, exit, output } = await spawnProcess()
    const inFlight = fetch(`${url}/lento`)
    await waitFor(async () => (await (await fetch(`${url}/metrics`)).text()).includes('/metrics'), {
      what: 'it to arrive',
    })
    child.kill(signal)
    expect(await (await inFlight).text()).toBe('pronto')
    expect(await exit).toEqual([0, null])
    expect(output()).toContain('"route":"/lento"')
    expect(output()).toContain('"msg":"stopped"')
  },
)

test('a second signal ends the process at once', async () => {
  const { child, exit, output } = await spawnProcess(HANGS)
  child.kill('SIGTERM')
  await waitFor(() => output().includes('"msg":"leaving"'), { what: 'the first signal' })
  child.kill('SIGTERM')
  expect(await exit).toEqual([143, null])
})

test.each(['/erro', '/rejeita'])(
  'an error that nobody caught (%s) is logged as fatal, and the exit code tells',
  async (path) => {
    const { url, exit, output } = await spawnProcess()
    await fetch(url + path).catch(() => undefined)
    expect(await exit).toEqual([1, null])
    expect(output()).toContain('"level":"fatal"')
  },
)

test('after an uncaught error a stop that hangs is bounded', async () => {
  const { url, exit } = await spawnProcess(HANGS)
  await fetch(`${url}/erro`).catch(() => undefined)
  expect(await exit).toEqual([1, null])
})
