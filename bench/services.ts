import { join } from 'node:path'
import { entryOf, environmentOf, type Service, UNREACHED_LIMITS } from '../tests/stage/services.ts'
import type { Bench, StartServices } from './context.ts'
import { type MeasuredProcess, startMeasured } from './processes.ts'
import type { Database, Servers } from './servers.ts'

const YARDSTICK = 'bench/yardsticks/single-transaction.ts'

type ServicesOptions = {
  servers: Servers
  prof: string | undefined
  /** Hears how to end each process. */
  opened: (stop: () => Promise<void>) => void
  check: () => void
}

const SETTINGS: Readonly<Record<string, string>> = {
  LOG_LEVEL: 'warn',
  ...UNREACHED_LIMITS,
  // As in docker-compose.yml and `npm start`.
  NODE_OPTIONS: '--max-old-space-size=256 --max-semi-space-size=12 --v8-pool-size=1',
}

/** What the environment may change, since it changes what the processes do and is the user's to choose. */
const handedOn = (): Record<string, string> => {
  const given = [...Object.keys(SETTINGS), 'TRANSACTION'].map((name) => [name, process.env[name] ?? SETTINGS[name]])
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

/** How each process of the bench is started: every service and every yardstick is one Node process of its own. */
export const createServices = ({
  servers,
  prof,
  opened,
  check,
}: ServicesOptions): Pick<Bench, 'start' | 'stopServices'> => {
  let running: (() => Promise<void>)[] = []
  const launch = (
    name: string,
    file: string,
    own: Record<string, string>,
    measured = false,
  ): Promise<MeasuredProcess> => {
    check()
    const flags = measured && prof !== undefined ? ['--cpu-prof', `--cpu-prof-dir=${join(prof, name)}`] : []
    return startMeasured({ name, file, env: { ...handedOn(), ...own }, flags }, (stop) => {
      running.push(stop)
      opened(stop)
    })
  }
  const { jwtSecret, redisUrl } = servers
  let instances = 0
  const envOf = (
    service: Service,
    { appUrl: databaseUrl }: Database,
    urlOf?: (asked: Service) => string | undefined,
  ) => {
    instances += 1
    return environmentOf(service, { databaseUrl, redisUrl, jwtSecret, instance: `bench-${instances}`, urlOf })
  }
  const start: StartServices = {
    service: (service, database, { env, asks = {} } = {}) =>
      launch(service, entryOf(service), { ...envOf(service, database, (asked) => asks[asked]?.url), ...env }, true),
    receiver: () => launch('receiver', 'bench/load/receiver.ts', {}),
    bare: (body = '{}') => launch('bare', 'bench/yardsticks/bare.ts', { BODY: body }),
    singleTransaction: (database) => launch('single-transaction', YARDSTICK, envOf('lancamentos', database)),
  }
  const stopServices = async () => {
    const stops = running.toReversed()
    running = []
    const ended = await Promise.allSettled(stops.map((stop) => stop()))
    const failed = ended.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }
  return { start, stopServices }
}
