import { migrate } from '@fluxo/drizzle/migrate'
import { createVerifier } from '@fluxo/shared/http/auth'
import { readMarcas } from '@fluxo/shared/inbox/marca'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createFeed } from '@fluxo/shared/repair/feed'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { createDatabase, redisUrl, uniquePrefix } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { type ConsolidadoDeps, createConsolidado } from '../src/app.ts'
import { createRazao } from './razao.ts'

export const SEGREDO = 'um segredo de teste com mais de trinta e dois bytes'
/** Short enough for a test, longer than a batch takes. */
const GRACE_MS = 300
/** Rounds of verification ask the ledger too: who tests them turns them on. */
const VERIFICACAO_MS = 0

type Opcoes = { redis?: string; postgres?: string }

const feedDe = (fetch: NonNullable<Parameters<typeof createFeed>[0]['fetch']>) =>
  createFeed({ baseUrl: 'http://razao', token: () => 't', fetch, name: 'eventos', registry: new Registry() })

/** The projection over real servers, with a ledger of the test's own beside it. `instancia` makes a service to start. */
export async function createBancadaDeProjecao({ redis = redisUrl(), postgres }: Opcoes = {}) {
  const database = await createDatabase({
    role: 'consolidado',
    migrate: (url) => migrate({ database: 'consolidado', url }),
    ...(postgres !== undefined && { serverUrl: postgres }),
  })
  const linhas: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void linhas.push(JSON.parse(line)) }
  const log = createLogger({ service: 'teste', level: 'info', stream })
  const registry = new Registry()
  const connections = createRedisConnections({ url: redis, name: 'teste', log })
  const prefixos = { streamPrefix: uniquePrefix('stream'), cachePrefix: uniquePrefix('cache') }
  const razao = createRazao({ redis: connections, prefix: prefixos.streamPrefix })
  const sql = createSql({ url: database.appUrl, max: 2, name: 'teste' })
  const dono = createSql({ url: database.ownerUrl, max: 1, name: 'dono' })
  const feed = feedDe(razao.fetch)
  const instancias: ReturnType<typeof createConsolidado>[] = []

  const instancia = (opcoes: Partial<ConsolidadoDeps> = {}) => {
    const criada = createConsolidado({
      databaseUrl: database.appUrl,
      redis: connections,
      verifier: createVerifier({ secret: SEGREDO }),
      eventos: { baseUrl: 'http://razao', token: () => 't', fetch: razao.fetch },
      particoes: 1,
      instancia: `instancia-${instancias.length}`,
      log,
      registry,
      ...{ timings: { graceMs: GRACE_MS }, verificacaoMs: VERIFICACAO_MS, ...prefixos },
      ...opcoes,
    })
    instancias.push(criada)
    return criada
  }
  const marca = async () => (await readMarcas(sql))[0]
  const somas = async () => {
    const dias = await sql<{ chave: string; creditos: string; debitos: string; quantidade: number }[]>`
      select s.comerciante_id || ' ' || s.data as chave, s.creditos::text as creditos, s.debitos::text as debitos,
        s.quantidade::float8 as quantidade
      from saldo s join projecao p on p.geracao = s.geracao order by 1`
    return Object.fromEntries(
      dias.map((dia) => [dia.chave, [BigInt(dia.creditos), BigInt(dia.debitos), dia.quantidade]]),
    )
  }
  return {
    ...prefixos,
    database,
    sql,
    dono,
    redis: connections,
    razao,
    feed,
    log,
    linhas,
    registry,
    instancia,
    marca,
    somas,
    /** Waits until everything up to `posicao` (the ledger's last) is applied. */
    aplicado: (posicao = razao.ultima) =>
      waitFor(async () => ((await marca())?.aplicadaAte ?? 0) >= posicao, {
        timeoutMs: 20_000,
        what: `position ${posicao}`,
      }),
    cartas: () => sql`select particao::int, posicao::int, motivo, tentativas, pulada_em is not null as pulada,
      redirigida_em is not null as redirigida from carta_morta order by carta_morta.posicao`,
    cache: async (comercianteId: string, data: string) =>
      connections.commands.get(`${prefixos.cachePrefix}:{${comercianteId}}:${data}`),
    metrica: async (name: string) => {
      const metric = await registry.getSingleMetric(name)?.get()
      return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0)
    },
    fechar: async () => {
      for (const one of instancias) await one.drain()
      for (const one of instancias) await one.close()
      feed.close()
      await connections.close()
      await Promise.all([closeSql(sql), closeSql(dono)])
      await database.drop().catch(() => {})
    },
  }
}

export type BancadaDeProjecao = Awaited<ReturnType<typeof createBancadaDeProjecao>>
