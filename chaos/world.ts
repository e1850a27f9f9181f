import { randomBytes } from 'node:crypto'
import { signToken } from '@fluxo/shared/http/tokens'
import { createRedisConnections, type RedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { type CuttingProxy, startCuttingProxy } from '@fluxo/shared/testing/cutting-proxy'
import { createInstance, type Instance } from './instance.ts'
import {
  type Opened,
  type PostgresServer,
  type RedisServer,
  type Service,
  startPostgresOf,
  startRedisServer,
} from './servers.ts'

/** Everything that runs: servers, services, and the wires between them. */
export type World = {
  postgres: Readonly<Record<Service, PostgresServer>>
  redis: RedisServer
  /** Our own connection to Redis, past every wire. */
  looking: RedisConnections
  instances: readonly Instance[]
  of: (service: Service) => Instance[]
  /** The wire of each consolidado to the ledger's feed, which leads to whichever lancamentos is up. */
  feeds: readonly CuttingProxy[]
  jwtSecret: string
  /** A token of a merchant, valid for longer than any clock jumps. */
  token: (comerciante: string) => Promise<string>
  /** What ended by itself since the last call. */
  takeCrashes: () => string[]
}

const SECRET_BYTES = 32
const TOKEN_SECONDS = 30 * 24 * 3_600
const SCOPES = ['lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler']
const LANCAMENTOS = 2
const CONSOLIDADO = 3

/** Where servers keep their data, and where services leave what they say. */
export type Folders = { folder: string; logs: string }

/** Starts two lancamentos and three consolidado with servers of their own; `opened` hears how to close each. */
export const startWorld = async ({ folder, logs }: Folders, opened: Opened): Promise<World> => {
  const jwtSecret = randomBytes(SECRET_BYTES).toString('hex')
  const [ledger, balances, redis] = await Promise.all([
    startPostgresOf('lancamentos', folder, opened),
    startPostgresOf('consolidado', folder, opened),
    startRedisServer(folder, opened),
  ])
  const log = createLogger({ service: 'chaos', level: 'fatal' })
  const looking = createRedisConnections({ url: redis.url(), name: 'chaos', log })
  opened(looking.close)

  let crashes: string[] = []
  const common = { folder: logs, redis, opened, onCrash: (what: string) => crashes.push(what) }
  const writers: Instance[] = []
  for (let i = 1; i <= LANCAMENTOS; i += 1) {
    const env = { JWT_SECRET: jwtSecret }
    writers.push(
      await createInstance({ ...common, service: 'lancamentos', name: `lancamentos-${i}`, postgres: ledger, env }),
    )
  }
  const feeds: CuttingProxy[] = []
  const readers: Instance[] = []
  for (let i = 1; i <= CONSOLIDADO; i += 1) {
    const feed = await startCuttingProxy({ targets: () => writers.flatMap(({ ports }) => ports()) })
    opened(feed.stop)
    feeds.push(feed)
    const env = { JWT_SECRET: jwtSecret, FEED_URL: `http://127.0.0.1:${feed.port}`, INSTANCIA: `c${i}` }
    readers.push(
      await createInstance({ ...common, service: 'consolidado', name: `consolidado-${i}`, postgres: balances, env }),
    )
  }
  const instances = [...writers, ...readers]
  await Promise.all(instances.map((instance) => instance.start()))
  return {
    postgres: { lancamentos: ledger, consolidado: balances },
    redis,
    looking,
    instances,
    of: (service) => (service === 'lancamentos' ? writers : readers),
    feeds,
    jwtSecret,
    token: (comercianteId) =>
      signToken({ secret: jwtSecret, comercianteId, scopes: SCOPES, expiresInSeconds: TOKEN_SECONDS }),
    takeCrashes: () => {
      const taken = crashes
      crashes = []
      return taken
    },
  }
}
