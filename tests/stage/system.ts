import { randomBytes } from 'node:crypto'
import { migrate } from '@fluxo/drizzle/migrate'
import { signToken } from '@fluxo/shared/http/tokens'
import { createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { createDatabase, startOwnRedis, type TestDatabase } from './databases.ts'
import { type ServiceProcess, startService } from './service-process.ts'
import { waitFor } from './wait-for.ts'

/** The whole system in processes of its own: databases and a Redis of the test's, any number of each service. */
export type System = {
  lancamentos: ServiceProcess[]
  consolidado: ServiceProcess[]
  redis: Awaited<ReturnType<typeof startOwnRedis>>
  /** Superusers' pools, for looking. */
  ledger: Sql
  balances: Sql
  addLancamentos: () => Promise<ServiceProcess>
  addConsolidado: () => Promise<ServiceProcess>
  /** `Authorization` of a merchant with every scope of a merchant. */
  as: (comerciante: string) => Promise<{ Authorization: string }>
  /** The same of a service that reads the log. */
  asService: () => Promise<string>
  /** The environment of a command of the consolidado. */
  consolidadoEnv: Readonly<Record<string, string>>
  databases: Databases
  /** Resolves when every position of the ledger is applied. */
  caughtUp: (timeoutMs?: number) => Promise<void>
  /** Resolves when partition 0 is applied up to a position. */
  applied: (posicao: number) => Promise<void>
  stop: () => Promise<void>
}

const TOKEN_SECONDS = 3_600
const SCOPES = ['lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler']
const CATCH_UP_MS = 60_000
/** Above what a test can send, so that the limits are at work and refuse nothing; a test of theirs sets others. */
const LIMITS = { LIMITE_ESCRITA_POR_SEGUNDO: '100000', LIMITE_LEITURA_POR_SEGUNDO: '100000' }

type Databases = { ledger: TestDatabase; balances: TestDatabase }

type Shape = {
  /** Databases that exist already, such as restored ones; `stop` drops them too. */
  databases?: Databases
  /** Another PostgreSQL than the run's for new databases: its superuser URL. */
  postgres?: string
  particoes?: number
  lancamentos?: number
  consolidado?: number
  /** Further settings of every process. */
  env?: Readonly<Record<string, string>>
}

/** Starts the system. `stop` ends every process and drops every database, also after a failure. */
export const startSystem = async (shape: Shape = {}): Promise<System> => {
  const { particoes = 1, lancamentos = 1, consolidado = 1, env = {} } = shape
  const jwtSecret = randomBytes(32).toString('hex')
  const [redis, databases] = await Promise.all([startOwnRedis(), shape.databases ?? newDatabases(shape)])
  const { ledger: ledgerDb, balances: balancesDb } = databases
  const ledger = createSql({ url: ledgerDb.ownerUrl, max: 2, name: 'e2e' })
  const balances = createSql({ url: balancesDb.ownerUrl, max: 2, name: 'e2e' })
  const common = { ...LIMITS, JWT_SECRET: jwtSecret, ...env, REDIS_URL: redis.url, PARTICOES: String(particoes) }
  const writers: ServiceProcess[] = []
  const readers: ServiceProcess[] = []
  let started = 0

  const consolidadoEnv = () => ({
    ...common,
    DATABASE_URL_CONSOLIDADO: balancesDb.appUrl,
    FEED_URL: writers[0]?.url ?? '',
  })
  const addLancamentos = async (): Promise<ServiceProcess> => {
    const service = await startService('lancamentos', { ...common, DATABASE_URL_LANCAMENTOS: ledgerDb.appUrl })
    writers.push(service)
    return service
  }
  const addConsolidado = async (): Promise<ServiceProcess> => {
    started += 1
    const service = await startService('consolidado', { ...consolidadoEnv(), INSTANCIA: `c${started}` })
    readers.push(service)
    return service
  }
  const allApplied = async (): Promise<boolean> => {
    const heads = await ledger<{ particao: number; ultima: string }[]>`select particao, ultima from posicao order by 1`
    const marks = await balances<{ ate: string }[]>`select aplicada_ate as ate from inbox_particao order by particao`
    return heads.every(({ ultima }, i) => marks[i]?.ate === ultima)
  }
  const applied = (posicao: number): Promise<void> => {
    const isApplied = async () =>
      (await balances`select 1 from inbox_particao where particao = 0 and aplicada_ate >= ${posicao}`).length === 1
    return waitFor(isApplied, { timeoutMs: CATCH_UP_MS, what: `position ${posicao} is applied` })
  }
  const stop = async (): Promise<void> => {
    await Promise.all([...readers, ...writers].map((service) => service.end('SIGTERM')))
    await Promise.all([ledger.end(), balances.end()])
    await Promise.all([redis.remove(), dropAll(ledgerDb, balancesDb)])
  }
  try {
    for (let i = 0; i < lancamentos; i += 1) await addLancamentos()
    await Promise.all(Array.from({ length: consolidado }, addConsolidado))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    lancamentos: writers,
    consolidado: readers,
    redis,
    ledger,
    balances,
    databases,
    addLancamentos,
    addConsolidado,
    as: async (comerciante) => {
      const token = { secret: jwtSecret, comercianteId: comerciante, scopes: SCOPES, expiresInSeconds: TOKEN_SECONDS }
      return { Authorization: `Bearer ${await signToken(token)}` }
    },
    asService: async () =>
      `Bearer ${await signToken({ secret: jwtSecret, scopes: ['eventos:ler'], expiresInSeconds: TOKEN_SECONDS })}`,
    get consolidadoEnv() {
      return consolidadoEnv()
    },
    caughtUp: (timeoutMs = CATCH_UP_MS) => waitFor(allApplied, { timeoutMs, what: 'every position is applied' }),
    applied,
    stop,
  }
}

const newDatabases = async ({ particoes = 1, postgres }: Shape): Promise<Databases> => {
  const server = postgres === undefined ? {} : { serverUrl: postgres }
  const [ledger, balances] = await Promise.all([
    createDatabase({
      role: 'lancamentos',
      migrate: (url) => migrate({ database: 'lancamentos', url, particoes }),
      ...server,
    }),
    createDatabase({ role: 'consolidado', migrate: (url) => migrate({ database: 'consolidado', url }), ...server }),
  ])
  return { ledger, balances }
}

const dropAll = async (...databases: TestDatabase[]): Promise<void> => {
  for (const database of databases) await database.drop()
}
