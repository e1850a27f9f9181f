import { randomBytes } from 'node:crypto'
import { migrate } from '@fluxo/drizzle/migrate'
import { signToken } from '@fluxo/shared/http/tokens'
import { createDatabase, startOwnRedis } from './databases.ts'
import { type ServiceProcess, startService } from './service-process.ts'

/** Deliveries in processes of their own: any number of instances on one database and one Redis of the test's. */
export type Entregas = {
  instances: ServiceProcess[]
  /** `Authorization` of a merchant. */
  as: (comerciante: string) => Promise<{ authorization: string }>
  /** The same of a service that reads the log. */
  asService: () => Promise<string>
  /** A superuser's way into the database, for looking. */
  ownerUrl: string
  stop: () => Promise<void>
}

const TOKEN_SECONDS = 3_600
const SCOPES = ['entregas:escrever', 'entregas:ler']

/** Starts the instances. `stop` ends every process and drops the database, also after a failure. */
export const startEntregas = async (count: number, env: Readonly<Record<string, string>> = {}): Promise<Entregas> => {
  const jwtSecret = randomBytes(32).toString('hex')
  const [redis, database] = await Promise.all([
    startOwnRedis(),
    createDatabase({ role: 'entregas', migrate: (url) => migrate({ database: 'entregas', url }) }),
  ])
  const instances: ServiceProcess[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(instances.map((instance) => instance.end('SIGTERM')))
    await Promise.all([redis.remove(), database.drop()])
  }
  const common = { REDIS_URL: redis.url, DATABASE_URL_ENTREGAS: database.appUrl, JWT_SECRET: jwtSecret, ...env }
  try {
    for (let i = 1; i <= count; i += 1) {
      instances.push(await startService('entregas', { ...common, INSTANCIA: `e${i}` }))
    }
  } catch (error) {
    await stop()
    throw error
  }
  return {
    instances,
    as: async (comercianteId) => {
      const token = { secret: jwtSecret, comercianteId, scopes: SCOPES, expiresInSeconds: TOKEN_SECONDS }
      return { authorization: `Bearer ${await signToken(token)}` }
    },
    asService: async () =>
      `Bearer ${await signToken({ secret: jwtSecret, scopes: ['eventos:ler'], expiresInSeconds: TOKEN_SECONDS })}`,
    ownerUrl: database.ownerUrl,
    stop,
  }
}
