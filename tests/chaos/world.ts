import { randomBytes } from 'node:crypto'
import { signToken } from '@fluxo/shared/http/tokens'
import { createRedisConnections, type RedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { MERCHANT_SCOPES, SERVICE_NAMES, type Service } from '../stage/services.ts'
import { createInstance, type Instance } from './instance.ts'
import { type Opened, type PostgresServer, type RedisServer, startPostgresOf, startRedisServer } from './servers.ts'

/** Everything that runs: servers, services, and the wires between them. */
export type World = {
  postgres: Readonly<Record<Service, PostgresServer>>
  redis: RedisServer
  /** Our own connection to Redis, past every wire. */
  looking: RedisConnections
  instances: readonly Instance[]
  of: (service: Service) => Instance[]
  jwtSecret: string
  /** A token of a merchant, valid for longer than any clock jumps. */
  token: (comerciante: string) => Promise<string>
  /** What ended by itself since the last call. */
  takeCrashes: () => string[]
}

const SECRET_BYTES = 32
const TOKEN_SECONDS = 30 * 24 * 3_600
/** How many instances of each service there are. */
export const INSTANCES: Readonly<Record<Service, number>> = { lancamentos: 2, consolidado: 3, entregas: 2, avisos: 2 }
/** Webhooks come back soon, and for half a minute. */
const AVISOS = { AVISOS_LOOPBACK: 'true', AVISOS_ESPERAS: `0,500,1s${',2s'.repeat(15)}` }

/** What an instance is set to, by its number. */
const SETTINGS: Partial<Record<Service, (n: number) => Readonly<Record<string, string>>>> = {
  // Orders move by themselves: a step that the first instance plans is due at once, one of the others so late that its merchant may be faster.
  entregas: (n) => ({ ENTREGAS_FLUXO: 'automatico', ENTREGAS_ATRASO_MS: n === 1 ? '0' : '150' }),
  avisos: () => AVISOS,
}

/** Where servers keep their data, and where services leave what they say. */
type Folders = { folder: string; logs: string }

/** Starts every instance of every service with servers of their own; `opened` hears how to close each. */
export const startWorld = async ({ folder, logs }: Folders, opened: Opened): Promise<World> => {
  const jwtSecret = randomBytes(SECRET_BYTES).toString('hex')
  const [redis, ...servers] = await Promise.all([
    startRedisServer(folder, opened),
    ...SERVICE_NAMES.map((service) => startPostgresOf(service, folder, opened)),
  ])
  const postgres = Object.fromEntries(servers.map((server) => [server.service, server])) as Record<
    Service,
    PostgresServer
  >
  const log = createLogger({ service: 'chaos', level: 'fatal' })
  const looking = createRedisConnections({ url: redis.url(), name: 'chaos', log })
  opened(looking.close)

  let crashes: string[] = []
  const instances: Instance[] = []
  const of = (service: Service) => instances.filter((instance) => instance.service === service)
  const portsOf = (service: Service) => of(service).flatMap(({ ports }) => ports())
  const onCrash = (what: string) => crashes.push(what)
  const common = { folder: logs, redis, jwtSecret, portsOf, opened, onCrash }
  for (const service of SERVICE_NAMES)
    for (let n = 1; n <= INSTANCES[service]; n += 1) {
      const own = { service, name: `${service}-${n}`, postgres: postgres[service], env: SETTINGS[service]?.(n) ?? {} }
      instances.push(await createInstance({ ...common, ...own }))
    }
  // A service at a time: all nine at once were not ready within their 30 s on two busy cores.
  for (const service of SERVICE_NAMES) await Promise.all(of(service).map((instance) => instance.start()))
  return {
    postgres,
    redis,
    looking,
    instances,
    of,
    jwtSecret,
    token: (comercianteId) =>
      signToken({ secret: jwtSecret, comercianteId, scopes: MERCHANT_SCOPES, expiresInSeconds: TOKEN_SECONDS }),
    takeCrashes: () => {
      const taken = crashes
      crashes = []
      return taken
    },
  }
}
