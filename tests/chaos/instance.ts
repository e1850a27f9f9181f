import { appendFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CuttingProxy, startCuttingProxy } from '../stage/cutting-proxy.ts'
import { type ServiceProcess, startService } from '../stage/service-process.ts'
import { environmentOf, SERVICES, type Service } from '../stage/services.ts'
import { waitFor } from '../stage/wait-for.ts'
import type { Opened, PostgresServer, RedisServer } from './servers.ts'

/** One instance of a service, with a wire of its own to each of its servers and one in front of it. */
export type Instance = {
  name: string
  service: Service
  wires: Readonly<Record<WireName, CuttingProxy>>
  /** The wire to each service that it asks, which leads to whichever instance of that is up. */
  asks: Readonly<Partial<Record<Service, CuttingProxy>>>
  /** Where clients reach it, through its wire; the same for all its lives. */
  url: string
  /** Where it listens now; none while it is down. */
  ports: () => number[]
  /** Starts it where it is down, and tries again as long as it does not come up: as an orchestrator does. */
  start: () => Promise<void>
  end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
  /** Stops and continues the process, which notices nothing but the time. */
  freeze: () => void
  thaw: () => void
  /** Sets its wall clock off. */
  setClock: (offsetMs: number) => Promise<void>
}

const WIRES = ['postgres', 'redis', 'http'] as const
export type WireName = (typeof WIRES)[number]

type InstanceDeps = {
  service: Service
  name: string
  folder: string
  postgres: PostgresServer
  redis: RedisServer
  jwtSecret: string
  /** Settings of its own. */
  env: Readonly<Record<string, string>>
  /** Where the instances of a service listen now. */
  portsOf: (service: Service) => number[]
  opened: Opened
  /** Hears of a process that ended though nobody asked it to. */
  onCrash: (what: string) => void
}

const START_RETRY_MS = 250
/** A start needs PostgreSQL, which may be recovering from a crash. */
const START_DEADLINE_MS = 90_000
const CLOCK_MODULE = new URL('clock-jump.mjs', import.meta.url).href

const openWires = async ({ service, postgres, redis, portsOf, opened }: InstanceDeps, ports: () => number[]) => {
  const wires = {
    postgres: await startCuttingProxy({ targets: () => [postgres.port], speaks: 'postgres' }),
    redis: await startCuttingProxy(redis.port),
    http: await startCuttingProxy({ targets: ports }),
  }
  const asks: Partial<Record<Service, CuttingProxy>> = {}
  for (const { service: asked } of SERVICES[service].asks ?? [])
    asks[asked] = await startCuttingProxy({ targets: () => portsOf(asked) })
  for (const wire of [...Object.values(wires), ...Object.values(asks)]) opened(wire.stop)
  return { wires, asks }
}

/** Makes an instance that is not started yet. Its output goes to `<folder>/<name>.log`. */
export const createInstance = async (deps: InstanceDeps): Promise<Instance> => {
  const { service, name, folder, postgres, redis, opened, onCrash } = deps
  let running: ServiceProcess | undefined
  const ports = () => (running === undefined ? [] : [Number(new URL(running.url).port)])
  const { wires, asks } = await openWires(deps, ports)
  const logFile = join(folder, `${name}.log`)
  const clockFile = join(folder, `${name}.clock`)
  const env = {
    ...environmentOf(service, {
      databaseUrl: postgres.appUrl(wires.postgres.port),
      redisUrl: redis.url(wires.redis.port),
      jwtSecret: deps.jwtSecret,
      instance: name,
      urlOf: (asked) => `http://127.0.0.1:${asks[asked]?.port}`,
    }),
    ...deps.env,
    CHAOS_CLOCK_FILE: clockFile,
  }
  const launch = async (): Promise<void> => {
    const onOutput = (chunk: Buffer) => appendFileSync(logFile, chunk)
    const flags = ['--import', CLOCK_MODULE, '--max-old-space-size=256']
    const started = await startService(service, env, { flags, onOutput })
    running = started
    void started.ended.then((how) => {
      if (running !== started) return
      running = undefined
      onCrash(`${name} ended by itself with ${how}`)
      // As an orchestrator does; what comes of it shows in the round.
      void start().catch(() => {})
    })
  }
  const start = async (): Promise<void> => {
    const runs = async (): Promise<boolean> => {
      if (running === undefined) await launch()
      return true
    }
    await waitFor(runs, { timeoutMs: START_DEADLINE_MS, intervalMs: START_RETRY_MS, what: `the start of ${name}` })
  }
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    const ending = running
    running = undefined
    await ending?.end(signal)
  }
  const signal = (what: NodeJS.Signals) => {
    if (running !== undefined) process.kill(running.pid, what)
  }
  opened(() => end('SIGKILL'))
  return {
    name,
    service,
    wires,
    asks,
    url: `http://127.0.0.1:${wires.http.port}`,
    ports,
    start,
    end,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    setClock: async (offsetMs) => {
      await writeFile(clockFile, String(offsetMs))
      signal('SIGUSR2')
    },
  }
}
