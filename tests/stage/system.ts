import { randomBytes } from 'node:crypto'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { createServiceDatabase, startOwnRedis, type TestDatabase } from './databases.ts'
import { type ServiceProcess, startService } from './service-process.ts'
import { environmentOf, SERVICE_NAMES, SERVICES, type Service, UNREACHED_LIMITS } from './services.ts'
import { merchantBearer, serviceBearer } from './tokens.ts'
import { waitFor } from './wait-for.ts'

type Of<T> = Readonly<Record<Service, T>>

/** Services in processes of their own: databases and a Redis of the test's, any number of each service. */
export type System = {
  /** The processes of each service, in the order of their start. */
  instances: Of<ServiceProcess[]>
  /** Where the first of a service answers. */
  url: (service: Service) => string
  redis: Awaited<ReturnType<typeof startOwnRedis>>
  /** Of the services that were asked for. */
  databases: Of<TestDatabase>
  /** Superusers' pools, for looking. */
  sql: Of<Sql>
  /** Starts one more; what is given here goes before its settings. */
  add: (service: Service, env?: Readonly<Record<string, string>>) => Promise<ServiceProcess>
  /** The environment of a service, and of a command of its operators. */
  env: (service: Service) => Readonly<Record<string, string>>
  /** A merchant's headers: all that a merchant may do. */
  as: (comerciante: string) => Promise<{ Authorization: string }>
  /** `Authorization` of a service that reads logs. */
  asService: () => Promise<string>
  /** Resolves when every position of the ledger is applied. */
  caughtUp: (timeoutMs?: number) => Promise<void>
  /** Resolves when partition 0 is applied up to a position. */
  applied: (posicao: number) => Promise<void>
  /** Ends the processes; servers and databases stay. */
  endAll: () => Promise<void>
  stop: () => Promise<void>
}

const SECRET_BYTES = 32
const CATCH_UP_MS = 60_000

/** How many of each service; one that is not named has neither process nor database. */
export type Shape = Partial<Of<number>> & {
  /** Databases that exist already, such as restored ones; `stop` drops them too. */
  databases?: Partial<Of<TestDatabase>> | undefined
  /** Another PostgreSQL than the run's for new databases: its superuser URL. */
  postgres?: string | undefined
  /** Of every log. */
  particoes?: number | undefined
  /** Further settings of every process. */
  env?: Readonly<Record<string, string>> | undefined
  /** Secrets of the test's own. */
  secrets?: { jwt: string; redis: string; databases: Partial<Of<string>> } | undefined
  /** Hears each piece of output of every process. */
  onOutput?: ((chunk: Buffer) => void) | undefined
}

/** One process of each service. */
export const ONE_OF_EACH: Shape = Object.fromEntries(SERVICE_NAMES.map((service) => [service, 1]))

/** A database for each service that was asked for. */
const databasesOf = async (shape: Shape): Promise<Of<TestDatabase>> => {
  const { databases = {}, postgres: serverUrl, particoes, secrets } = shape
  const made = SERVICE_NAMES.filter((service) => shape[service] !== undefined).map(async (service) => {
    const options = { serverUrl, particoes, password: secrets?.databases[service] }
    return [service, databases[service] ?? (await createServiceDatabase(service, options))] as const
  })
  return Object.fromEntries(await Promise.all(made)) as Record<Service, TestDatabase>
}

/** Starts the system. `stop` ends every process and drops every database, also after a failure. */
export const startSystem = async (shape: Shape): Promise<System> => {
  const { particoes = 1, env = {}, secrets, onOutput } = shape
  const jwtSecret = secrets?.jwt ?? randomBytes(SECRET_BYTES).toString('hex')
  const [redis, databases] = await Promise.all([startOwnRedis({ password: secrets?.redis }), databasesOf(shape)])
  const look = ({ ownerUrl: url }: TestDatabase) => createSql({ url, max: 2, name: 'e2e' })
  const sql = Object.fromEntries(
    Object.entries(databases).map(([service, database]) => [service, look(database)]),
  ) as Record<Service, Sql>
  const instances = Object.fromEntries(SERVICE_NAMES.map((service) => [service, []])) as unknown as Of<ServiceProcess[]>
  const started = new Map<Service, number>()

  const envOf = (service: Service, instance = service as string): Record<string, string> => {
    const around = { databaseUrl: databases[service].appUrl, redisUrl: redis.url, jwtSecret, instance, particoes }
    const urlOf = (asked: Service) => instances[asked][0]?.url
    return { ...UNREACHED_LIMITS, ...SERVICES[service].env, ...environmentOf(service, { ...around, urlOf }), ...env }
  }
  const add = async (service: Service, more: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> => {
    const number = (started.get(service) ?? 0) + 1
    started.set(service, number)
    const own = { ...envOf(service, `${service}-${number}`), ...more }
    const one = await startService(service, own, { onOutput })
    instances[service].push(one)
    return one
  }
  const endAll = async (): Promise<void> => {
    await Promise.all(SERVICE_NAMES.flatMap((service) => instances[service].map((one) => one.end('SIGTERM'))))
  }
  const stop = async (): Promise<void> => {
    await endAll()
    await Promise.all(Object.values(sql).map(closeSql))
    await Promise.all([redis.remove(), ...Object.values(databases).map((database) => database.drop())])
  }
  try {
    for (const service of SERVICE_NAMES) {
      await Promise.all(Array.from({ length: shape[service] ?? 0 }, () => add(service)))
    }
  } catch (error) {
    await stop()
    throw error
  }
  return {
    ...{ instances, redis, databases, sql, add, endAll, stop },
    url: (service) => instances[service][0]?.url ?? '',
    env: envOf,
    as: async (comerciante) => ({ Authorization: await merchantBearer(comerciante, { secret: jwtSecret }) }),
    asService: () => serviceBearer(jwtSecret),
    ...waitsOf(sql),
  }
}

/** Waits for the balances to have what the ledger has. */
const waitsOf = ({ lancamentos: ledger, consolidado: balances }: Of<Sql>): Pick<System, 'applied' | 'caughtUp'> => {
  const allApplied = async (): Promise<boolean> => {
    const heads = await ledger<{ ultima: string }[]>`select ultima from posicao order by particao`
    const marks = await balances<{ ate: string }[]>`select aplicada_ate as ate from inbox_particao order by particao`
    return heads.every(({ ultima }, i) => marks[i]?.ate === ultima)
  }
  return {
    caughtUp: (timeoutMs = CATCH_UP_MS) => waitFor(allApplied, { timeoutMs, what: 'every position is applied' }),
    applied: (posicao) => {
      const isApplied = async () =>
        (await balances`select 1 from inbox_particao where particao = 0 and aplicada_ate >= ${posicao}`).length === 1
      return waitFor(isApplied, { timeoutMs: CATCH_UP_MS, what: `position ${posicao} is applied` })
    },
  }
}
