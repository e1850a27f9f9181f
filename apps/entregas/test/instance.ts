import { createVerifier } from '@fluxo/shared/http/auth'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createLimits } from '@fluxo/shared/ratelimit/admission'
import type { LimitsEnv } from '@fluxo/shared/ratelimit/settings'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { redisUrl } from '@fluxo/tests/stage/databases'
import { Registry } from 'prom-client'
import { createEntregas } from '../src/app.ts'
import type { AvisosOptions } from '../src/avisar/avisos.ts'
import type { FluxoOptions } from '../src/fluir/fluir.ts'

export const SECRET = 'segredo-de-teste-com-mais-de-32-bytes'

/** One whole instance of entregas: relay, consumer, worker. Several on one database and prefix are its scaled-out form. */
export async function createInstance(options: {
  databaseUrl: string
  streamPrefix: string
  instance: string
  fluxo: FluxoOptions
  avisos?: AvisosOptions
  particoes?: number
  /** How much a merchant may ask; without, as much as it likes. */
  limits?: LimitsEnv
  now?: () => Date
}) {
  const log = createLogger({ service: 'teste', level: 'silent' })
  const redis = createRedisConnections({ url: redisUrl(), name: options.instance, log })
  const registry = new Registry()
  const module = createEntregas({
    particoes: 1,
    ...options,
    redis,
    limits: options.limits && createLimits({ env: options.limits, redis: redis.cache, registry }),
    verifier: createVerifier({ secret: SECRET }),
    cursorSecret: SECRET,
    timings: { claimIdleMs: 1_000, graceMs: 200 },
    log,
    registry,
  })
  await module.start()
  let closed: Promise<void> | undefined
  const close = async () => {
    await module.drain()
    await module.close()
    await redis.close()
  }
  return {
    module,
    redis,
    registry,
    close: () => {
      closed ??= close()
      return closed
    },
  }
}

/** Orders of the database by status, and whether any history skips or repeats a step. */
export async function readDatabase(url: string) {
  const sql = createSql({ url, max: 1, name: 'teste leitura' })
  try {
    const status = await sql<{ status: number; n: number }[]>`
      select status::int, count(*)::int as n from pedido group by 1 order by 1`
    const [history] = await sql<{ errados: number; eventos: number; passos: number }[]>`
      select count(*) filter (where e.seq > 1 and e.anterior is distinct from a.status)::int as errados,
        count(*)::int as eventos, (select count(*)::int from passo) as passos
      from evento e left join evento a on a.pedido_id = e.pedido_id and a.seq = e.seq - 1`
    return { status: Object.fromEntries(status.map((s) => [s.status, s.n])), ...history }
  } finally {
    await closeSql(sql)
  }
}
