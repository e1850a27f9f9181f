import { createFeed } from '@fluxo/shared/feed/feed'
import { readWatermarks } from '@fluxo/shared/inbox/watermark'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { createServiceDatabase, redisUrl, uniquePrefix } from '@fluxo/tests/stage/databases'
import { consolidadoModule } from '@fluxo/tests/stage/modules/consolidado'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { createTestLedger } from './ledger.ts'

/** Short enough for a test, longer than a batch takes. */
const GRACE_MS = 300

type StageOptions = { redis?: string; postgres?: string }

const feedOf = (fetch: NonNullable<Parameters<typeof createFeed>[0]['fetch']>) =>
  createFeed({ baseUrl: 'http://razao', token: () => 't', fetch, name: 'eventos', registry: new Registry() })

/** The projection over real servers, with a ledger of the test's own beside it. `instance` makes a service to start. */
export async function createProjectionStage({ redis = redisUrl(), postgres }: StageOptions = {}) {
  const database = await createServiceDatabase('consolidado', { serverUrl: postgres })
  const lines: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const log = createLogger({ service: 'teste', level: 'info', stream })
  const registry = new Registry()
  const connections = createRedisConnections({ url: redis, name: 'teste', log })
  const prefixes = { streamPrefix: uniquePrefix('stream'), cachePrefix: uniquePrefix('cache') }
  const ledger = createTestLedger({ redis: connections, prefix: prefixes.streamPrefix })
  const sql = createSql({ url: database.appUrl, max: 2, name: 'teste' })
  const owner = createSql({ url: database.ownerUrl, max: 1, name: 'dono' })
  const feed = feedOf(ledger.fetch)
  const instances: ReturnType<typeof consolidadoModule>[] = []

  const instance = (options: { verificarMs?: number } = {}) => {
    const created = consolidadoModule({
      databaseUrl: database.appUrl,
      redis: connections,
      eventos: { baseUrl: 'http://razao', token: () => 't', fetch: ledger.fetch },
      instance: `instancia-${instances.length}`,
      ...{ log, registry, timings: { graceMs: GRACE_MS }, ...prefixes },
      ...options,
    })
    instances.push(created)
    return created
  }
  const watermark = async () => (await readWatermarks(sql))[0]
  const sums = async () => {
    const days = await sql<{ chave: string; creditos: string; debitos: string; quantidade: number }[]>`
      select s.comerciante_id || ' ' || s.data as chave, s.creditos::text as creditos, s.debitos::text as debitos,
        s.quantidade::float8 as quantidade
      from saldo s join projecao p on p.geracao = s.geracao order by 1`
    return Object.fromEntries(
      days.map((day) => [day.chave, [BigInt(day.creditos), BigInt(day.debitos), day.quantidade]]),
    )
  }
  return {
    ...prefixes,
    database,
    sql,
    owner,
    redis: connections,
    ledger,
    feed,
    log,
    logLines: lines,
    registry,
    instance,
    watermark,
    sums,
    /** Waits until everything up to `posicao` (the ledger's last) is applied. */
    waitApplied: (posicao = ledger.ultima) =>
      waitFor(async () => ((await watermark())?.aplicadaAte ?? 0) >= posicao, {
        timeoutMs: 20_000,
        what: `position ${posicao}`,
      }),
    cartas: () => sql`select particao::int, posicao::int, motivo, tentativas, pulada_em is not null as pulada,
      redirigida_em is not null as redirigida from carta_morta order by carta_morta.posicao`,
    cache: async (comercianteId: string, data: string) =>
      connections.commands.get(`${prefixes.cachePrefix}:{${comercianteId}}:${data}`),
    metric: async (name: string) => {
      const metric = await registry.getSingleMetric(name)?.get()
      return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0)
    },
    close: async () => {
      for (const one of instances) await one.drain()
      for (const one of instances) await one.close()
      feed.close()
      await connections.close()
      await Promise.all([closeSql(sql), closeSql(owner)])
      await database.drop().catch(() => {})
    },
  }
}

export type ProjectionStage = Awaited<ReturnType<typeof createProjectionStage>>
