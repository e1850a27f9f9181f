import { createFollower, type Follower } from '@fluxo/shared/follow/follower'
import type { LogHead, ReadPage } from '@fluxo/shared/log/feed'
import type { Lease } from '@fluxo/shared/postgres/lease'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { FeedClient } from '@fluxo/shared/repair/feed-client'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import { type FluxoOptions, planejar } from './fluir.ts'
import { lerEvento } from './ler-evento.ts'
import { efeitoDePlanejar } from './passo-store.ts'

/** The consumer group of the automatic flow on the orders' streams. */
export const GRUPO = 'entregas'

export type ConsumirDeps = FluxoOptions & {
  sql: Sql
  redis: RedisConnections
  streamPrefix: string
  particoes: number
  /** Name of this instance within the group, stable across restarts where possible. */
  instancia: string
  /** The log itself, in the same database: what no stream brings is read there. */
  readPage: ReadPage
  readHead: (particao: number) => Promise<LogHead | undefined>
  lease: Lease
  /** Hears that steps of a partition were planned. */
  onPlanned: (particao: number) => void
  claimIdleMs?: number
  graceMs?: number
  log: Logger
  registry: Registry
}

/** Follows the orders' events and plans the steps that follow from them. */
export function createFluxo(deps: ConsumirDeps): Follower {
  const feed = feedDoLog(deps)
  return createFollower({
    ...deps,
    grupo: GRUPO,
    feed,
    epocaDoLog: async (particao) => (await feed.page({ particao, depoisDe: 0, limite: 1 })).epoca,
    ler: (posicao, evento) => {
      const lido = lerEvento(posicao, evento)
      return lido.ok ? { ...lido, row: planejar(lido.acontecido, deps) } : lido
    },
    effect: efeitoDePlanejar,
    depois: deps.onPlanned,
  })
}

/** The log of this very database as a feed: no HTTP between a service and itself. */
const feedDoLog = ({ readPage, readHead }: ConsumirDeps): FeedClient => ({
  page: async ({ particao, depoisDe, limite }) => {
    const entries = await readPage(particao, depoisDe, limite)
    const cabeca = await readHead(particao)
    if (cabeca === undefined) throw new Error(`partition ${particao} has no counter: run \`npm run migrate\``)
    const eventos = entries.map(({ posicao, body }) => ({ posicao, evento: JSON.parse(body) as unknown }))
    return { particao, ...cabeca, eventos }
  },
})
