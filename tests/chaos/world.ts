import { randomBytes } from 'node:crypto'
import { signToken } from '@fluxo/shared/http/tokens'
import { createRedisConnections, type RedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { type CuttingProxy, startCuttingProxy } from '../stage/cutting-proxy.ts'
import { createInstance, type Instance, type InstanceDeps } from './instance.ts'
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
  /** The wire of each lancamentos to the orders' feed, which leads to whichever entregas is up. */
  orderFeeds: readonly CuttingProxy[]
  jwtSecret: string
  /** A token of a merchant, valid for longer than any clock jumps. */
  token: (comerciante: string) => Promise<string>
  /** What ended by itself since the last call. */
  takeCrashes: () => string[]
}

const SECRET_BYTES = 32
const TOKEN_SECONDS = 30 * 24 * 3_600
const SCOPES = ['lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler', 'entregas:escrever', 'entregas:ler']
/** How many instances of each service there are. */
export const INSTANCES: Readonly<Record<Service, number>> = { lancamentos: 2, consolidado: 3, entregas: 2 }
/** Webhooks come back soon, and for half a minute. */
const ENTREGAS = {
  ENTREGAS_FLUXO: 'automatico',
  ENTREGAS_WEBHOOKS_LOOPBACK: 'true',
  ENTREGAS_WEBHOOKS_ESPERAS: `0,500,1s${',2s'.repeat(15)}`,
}

/** Orders move by themselves: a step that the first instance plans is due at once, one of the others so late that its merchant may be faster. */
const delayOf = (name: string): string => (name === 'entregas-1' ? '0' : '150')

/** Where servers keep their data, and where services leave what they say. */
type Folders = { folder: string; logs: string }

/** Makes the instances of a service, and a wire from each to the feed that it follows, if any. */
const createInstances = async (
  deps: Omit<InstanceDeps, 'name' | 'env'> & {
    env: (instance: { name: string; feedUrl: string }) => InstanceDeps['env']
    feedPorts?: () => number[]
  },
): Promise<{ instances: Instance[]; feeds: CuttingProxy[] }> => {
  const instances: Instance[] = []
  const feeds: CuttingProxy[] = []
  for (let i = 1; i <= INSTANCES[deps.service]; i += 1) {
    const name = `${deps.service}-${i}`
    if (deps.feedPorts !== undefined) {
      const feed = await startCuttingProxy({ targets: deps.feedPorts })
      deps.opened(feed.stop)
      feeds.push(feed)
    }
    const env = deps.env({ name, feedUrl: `http://127.0.0.1:${feeds.at(-1)?.port}` })
    instances.push(await createInstance({ ...deps, name, env }))
  }
  return { instances, feeds }
}

/** Starts every instance of the three services with servers of their own; `opened` hears how to close each. */
export const startWorld = async ({ folder, logs }: Folders, opened: Opened): Promise<World> => {
  const JWT_SECRET = randomBytes(SECRET_BYTES).toString('hex')
  const [ledger, balances, orders, redis] = await Promise.all([
    startPostgresOf('lancamentos', folder, opened),
    startPostgresOf('consolidado', folder, opened),
    startPostgresOf('entregas', folder, opened),
    startRedisServer(folder, opened),
  ])
  const log = createLogger({ service: 'chaos', level: 'fatal' })
  const looking = createRedisConnections({ url: redis.url(), name: 'chaos', log })
  opened(looking.close)

  let crashes: string[] = []
  const common = { folder: logs, redis, opened, onCrash: (what: string) => crashes.push(what) }
  const couriers = await createInstances({
    ...common,
    service: 'entregas',
    postgres: orders,
    env: ({ name }) => ({ JWT_SECRET, INSTANCIA: name, ENTREGAS_ATRASO_MS: delayOf(name), ...ENTREGAS }),
  })
  const writers = await createInstances({
    ...common,
    service: 'lancamentos',
    postgres: ledger,
    feedPorts: () => couriers.instances.flatMap(({ ports }) => ports()),
    env: ({ name, feedUrl }) => ({ JWT_SECRET, INSTANCIA: name, ENTREGAS_URL: feedUrl }),
  })
  const readers = await createInstances({
    ...common,
    service: 'consolidado',
    postgres: balances,
    feedPorts: () => writers.instances.flatMap(({ ports }) => ports()),
    env: ({ name, feedUrl }) => ({ JWT_SECRET, INSTANCIA: name, FEED_URL: feedUrl }),
  })
  const instances = [...writers.instances, ...readers.instances, ...couriers.instances]
  await Promise.all(instances.map((instance) => instance.start()))
  return {
    postgres: { lancamentos: ledger, consolidado: balances, entregas: orders },
    redis,
    looking,
    instances,
    of: (service) => instances.filter((instance) => instance.service === service),
    feeds: readers.feeds,
    orderFeeds: writers.feeds,
    jwtSecret: JWT_SECRET,
    token: (comercianteId) =>
      signToken({ secret: JWT_SECRET, comercianteId, scopes: SCOPES, expiresInSeconds: TOKEN_SECONDS }),
    takeCrashes: () => {
      const taken = crashes
      crashes = []
      return taken
    },
  }
}
