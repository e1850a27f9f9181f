import { migrate } from '@fluxo/drizzle/migrate'
import { signToken } from '@fluxo/shared/http/tokens'
import { freePort } from '../../scripts/local/free-port.ts'
import { createDatabase, type TestDatabase } from './databases.ts'
import { type ServiceProcess, startService } from './service-process.ts'
import { type System, startSystem } from './system.ts'

/** The whole system with one entregas, whose orders lancamentos follows. */
export type SystemWithEntregas = {
  core: System
  entregas: ServiceProcess
  orders: TestDatabase
  /** Starts an entregas in the place of the one that has ended, on this database. */
  startEntregas: (orders: TestDatabase) => Promise<ServiceProcess>
  /** `Authorization` of a merchant who sends orders. */
  sender: (comerciante: string) => Promise<string>
  /** The same with every scope of a merchant. */
  merchant: (comerciante: string) => Promise<string>
  stop: () => Promise<void>
}

const TOKEN_SECONDS = 3_600
const SCOPES = ['entregas:escrever', 'entregas:ler']
const ALL_SCOPES = [...SCOPES, 'lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler']

type Shape = NonNullable<Parameters<typeof startSystem>[0]> & {
  /** A database of orders that exists already, such as a restored one; `stop` drops it too. */
  orders?: TestDatabase
}

/** Starts it with further settings of every process; steps of the automatic flow wait for nothing. */
export const startSystemWithEntregas = async ({
  env = {},
  orders,
  ...shape
}: Shape = {}): Promise<SystemWithEntregas> => {
  const closers: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const close of closers) await close()
  }
  try {
    const database =
      orders ??
      (await createDatabase({
        role: 'entregas',
        migrate: (url) => migrate({ database: 'entregas', url }),
      }))
    closers.unshift(database.drop)
    // Known before it runs: lancamentos asks there.
    const port = String(await freePort())
    const core = await startSystem({ ...shape, env: { ...env, ENTREGAS_URL: `http://127.0.0.1:${port}` } })
    closers.unshift(core.stop)
    const startEntregas = async ({ appUrl }: TestDatabase): Promise<ServiceProcess> => {
      const own = { PORT: port, DATABASE_URL_ENTREGAS: appUrl, ENTREGAS_ATRASO_MS: '0' }
      const service = await startService('entregas', { ...core.consolidadoEnv, ...own })
      closers.unshift(() => service.end('SIGTERM'))
      return service
    }
    const entregas = await startEntregas(database)
    const secret = String(core.consolidadoEnv['JWT_SECRET'])
    const bearer = (scopes: readonly string[]) => async (comercianteId: string) =>
      `Bearer ${await signToken({ secret, comercianteId, scopes, expiresInSeconds: TOKEN_SECONDS })}`
    const tokens = { sender: bearer(SCOPES), merchant: bearer(ALL_SCOPES) }
    return { core, entregas, orders: database, startEntregas, ...tokens, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
