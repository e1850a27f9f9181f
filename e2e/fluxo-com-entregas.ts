import { migrate } from '@fluxo/drizzle/migrate'
import { signToken } from '@fluxo/shared/http/tokens'
import { freePort } from '@fluxo/shared/local/free-port'
import { createDatabase } from '@fluxo/shared/testing/databases'
import { type Fluxo, startFluxo } from './fluxo.ts'
import { type ServiceProcess, startService } from './service-process.ts'

/** The whole system with one entregas, whose orders lancamentos follows. */
export type FluxoComEntregas = {
  fluxo: Fluxo
  entregas: ServiceProcess
  /** `Authorization` of a merchant who sends orders. */
  sender: (comerciante: string) => Promise<string>
  stop: () => Promise<void>
}

const TOKEN_SECONDS = 3_600
const SCOPES = ['entregas:escrever', 'entregas:ler']

/** Starts it with further settings of every process; steps of the automatic flow wait for nothing. */
export const startFluxoComEntregas = async ({
  env = {},
  ...shape
}: NonNullable<Parameters<typeof startFluxo>[0]> = {}): Promise<FluxoComEntregas> => {
  const closers: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const close of closers) await close()
  }
  try {
    const database = await createDatabase({
      role: 'entregas',
      migrate: (url) => migrate({ database: 'entregas', url }),
    })
    closers.unshift(database.drop)
    // Known before it runs: lancamentos asks there.
    const port = String(await freePort())
    const fluxo = await startFluxo({ ...shape, env: { ...env, ENTREGAS_URL: `http://127.0.0.1:${port}` } })
    closers.unshift(fluxo.stop)
    const own = { PORT: port, DATABASE_URL_ENTREGAS: database.appUrl, ENTREGAS_ATRASO_MS: '0' }
    const entregas = await startService('entregas', { ...fluxo.consolidadoEnv, ...own })
    closers.unshift(() => entregas.end('SIGTERM'))
    const secret = String(fluxo.consolidadoEnv['JWT_SECRET'])
    const sender = async (comercianteId: string) =>
      `Bearer ${await signToken({ secret, comercianteId, scopes: SCOPES, expiresInSeconds: TOKEN_SECONDS })}`
    return { fluxo, entregas, sender, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
