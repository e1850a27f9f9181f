import { migrate } from '@fluxo/drizzle/migrate'
import { signToken } from '@fluxo/shared/http/tokens'
import { createSql } from '@fluxo/shared/postgres/sql'
import { databaseUrl, ensureDatabase, ensureRole } from '../../scripts/local/ensure-database.ts'
import { startOwnPostgres, startOwnRedis } from '../stage/databases.ts'
import { startOtlpReceiver } from '../stage/otlp-receiver.ts'
import { type ServiceProcess, startService } from '../stage/service-process.ts'
import type { Canaries } from './canaries.ts'

/** Both services in processes of their own that say all they can, on servers whose passwords are canaries. */
export const startTalkative = async (canaries: Canaries) => {
  const { jwtSecret, ledgerPassword, balancesPassword, redisPassword } = canaries
  const [postgres, redis, receiver] = await Promise.all([
    startOwnPostgres(),
    startOwnRedis({ password: redisPassword }),
    startOtlpReceiver(),
  ])
  const prepare = async (database: 'lancamentos' | 'consolidado', password: string) => {
    await ensureRole(postgres.url(), database, password)
    const ownerUrl = await ensureDatabase(postgres.url(), database)
    await migrate({ database, url: ownerUrl })
    return { ownerUrl, appUrl: databaseUrl(ownerUrl, database, { role: database, password }) }
  }
  const ledger = await prepare('lancamentos', ledgerPassword)
  const balances = await prepare('consolidado', balancesPassword)
  const common = {
    JWT_SECRET: jwtSecret,
    REDIS_URL: redis.url,
    LOG_LEVEL: 'trace',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
  }
  let output = ''
  const listen = (chunk: Buffer): void => {
    output += String(chunk)
  }
  const services: ServiceProcess[] = []
  const start = async (service: 'lancamentos' | 'consolidado', env: Record<string, string>) => {
    const started = await startService(service, { ...common, ...env }, { onOutput: listen })
    services.push(started)
    return started
  }
  const stopServices = async (): Promise<void> => {
    for (const service of services) await service.end('SIGTERM')
  }
  const stop = async (): Promise<void> => {
    await stopServices()
    await Promise.all([postgres.remove(), redis.remove(), receiver.stop()])
  }
  const startBoth = async () => {
    const lancamentos = await start('lancamentos', { DATABASE_URL_LANCAMENTOS: ledger.appUrl })
    const consolidado = await start('consolidado', {
      DATABASE_URL_CONSOLIDADO: balances.appUrl,
      FEED_URL: lancamentos.url,
      INSTANCIA: 'teste',
    })
    return { lancamentos, consolidado }
  }
  const both = await startBoth().catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    postgres,
    redis,
    receiver,
    ledger,
    balances,
    ...both,
    owner: (url: string) => createSql({ url, max: 1, name: 'teste' }),
    sign: (scopes: readonly string[], expiresInSeconds = 600) =>
      signToken({ secret: jwtSecret, comercianteId: 'loja-canario', scopes, expiresInSeconds }),
    /** Everything that the services wrote so far. */
    output: () => output,
    stopServices,
    stop,
  }
}

export type Talkative = Awaited<ReturnType<typeof startTalkative>>
