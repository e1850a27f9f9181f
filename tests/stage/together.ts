import type { AppModule } from '@fluxo/shared/http/module'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { createLifecycle } from '@fluxo/shared/process/lifecycle'
import { runModules } from '@fluxo/shared/process/run'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { Registry } from 'prom-client'
import { createServiceDatabase, redisUrl, uniquePrefix } from './databases.ts'
import { SILENT } from './doors.ts'
import type { Service } from './services.ts'

const STOP_MS = 10_000

/** What the modules of one process share, and the database of each. */
const surroundings = (urls: Partial<Record<Service, string>>, particoes: number) => {
  const redis = createRedisConnections({ url: redisUrl(), name: 'teste', log: SILENT })
  const common = { redis, particoes, registry: new Registry(), streamPrefix: uniquePrefix('stream') }
  return { ...common, of: (service: Service) => ({ ...common, databaseUrl: urls[service] ?? '' }) }
}

/** Services whole in one process, as `npm start` has them: databases of their own, and streams under a name of their own. */
export const startTogether = async (
  { services, particoes }: { services: readonly Service[]; particoes: number },
  create: (of: ReturnType<typeof surroundings>['of']) => AppModule[],
) => {
  const made = await Promise.all(
    services.map(async (service) => ({ service, ...(await createServiceDatabase(service, { particoes })) })),
  )
  const around = surroundings(Object.fromEntries(made.map(({ service, appUrl }) => [service, appUrl])), particoes)
  const lifecycle = createLifecycle({ log: SILENT, deadlineMs: STOP_MS })
  lifecycle.defer('databases', async () => {
    await Promise.all(made.map(({ drop }) => drop()))
  })
  lifecycle.defer('redis', () => around.redis.close())
  const running = await runModules({
    modules: create(around.of),
    ...{ port: 0, hostname: '127.0.0.1', signals: false, log: SILENT, registry: around.registry, lifecycle },
  })
  const sql = Object.fromEntries(
    made.map(({ service, ownerUrl: url }) => [service, createSql({ url, max: 1, name: 'teste' })]),
  ) as Record<Service, Sql>
  return {
    url: running.url,
    /** Superusers' pools, for looking. */
    sql,
    stop: async (): Promise<void> => {
      await Promise.all(Object.values(sql).map(closeSql))
      await running.stop()
    },
  }
}
