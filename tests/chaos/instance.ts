import { appendFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type CuttingProxy, startCuttingProxy } from '../stage/cutting-proxy.ts'
import { type ServiceProcess, startService } from '../stage/service-process.ts'
import type { Opened, PostgresServer, RedisServer, Service } from './servers.ts'

/** One instance of a service, with a wire of its own to each of its servers and one in front of it. */
export type Instance = {
  name: string
  service: Service
  wires: Readonly<Record<WireName, CuttingProxy>>
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

export type InstanceDeps = {
  service: Service
  name: string
  folder: string
  postgres: PostgresServer
  redis: RedisServer
  env: Readonly<Record<string, string>>
  opened: Opened
  /** Hears of a process that ended though nobody asked it to. */
  onCrash: (what: string) => void
}

const START_RETRY_MS = 250
/** A start needs PostgreSQL, which may be recovering from a crash. */
const START_DEADLINE_MS = 90_000
const CLOCK_MODULE = new URL('clock-jump.mjs', import.meta.url).href

const openWires = async ({ postgres, redis, opened }: InstanceDeps, ports: () => number[]) => {
  const wires = {
    postgres: await startCuttingProxy({ targets: () => [postgres.port], speaks: 'postgres' }),
    redis: await startCuttingProxy(redis.port),
    http: await startCuttingProxy({ targets: ports }),
  }
  for (const wire of Object.values(wires)) opened(wire.stop)
  return wires
}

/** Makes an instance that is not started yet. Its output goes to `<folder>/<name>.log`. */
export const createInstance = async (deps: InstanceDeps): Promise<Instance> => {
  const { service, name, folder, postgres, redis, opened, onCrash } = deps
  let running: ServiceProcess | undefined
  const ports = () => (running === undefined ? [] : [Number(new URL(running.url).port)])
  const wires = await openWires(deps, ports)
  const logFile = join(folder, `${name}.log`)
  const clockFile = join(folder, `${name}.clock`)
  const env = {
    ...deps.env,
    [`DATABASE_URL_${service.toUpperCase()}`]: postgres.appUrl(wires.postgres.port),
    REDIS_URL: redis.url(wires.redis.port),
    LOG_LEVEL: 'info',
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
    const deadline = performance.now() + START_DEADLINE_MS
    while (running === undefined) {
      try {
        await launch()
      } catch (error) {
        if (performance.now() > deadline) throw error
        await delay(START_RETRY_MS)
      }
    }
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
