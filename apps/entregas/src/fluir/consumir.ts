import type { Clock } from '@fluxo/shared/clock'
import { createFollower, type Follower, type Group } from '@fluxo/shared/follow/follower'
import type { Lease } from '@fluxo/shared/postgres/lease'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import { feedDoLog, type LogDoBanco } from '../mover/feed-do-log.ts'
import { type FluxoOptions, type Planejado, planejar } from './fluir.ts'
import { lerEvento } from './ler-evento.ts'
import { efeitoDePlanejar } from './passo-store.ts'

/** The consumer group of the automatic flow on the orders' streams. */
export const GRUPO = 'entregas'

export type ConsumirDeps = FluxoOptions &
  LogDoBanco & {
    sql: Sql
    redis: RedisConnections
    streamPrefix: string
    particoes: number
    /** Name of this instance within the group, stable across restarts where possible. */
    instancia: string
    lease: Lease
    /** Hears that steps of a partition were planned. */
    onPlanned: (particao: number) => void
    claimIdleMs?: number
    graceMs?: number
    log: Logger
    registry: Registry
    tracing?: Tracing | undefined
    clock?: Clock
  }

/** The automatic flow as a group of the orders' log: each event plans the step that follows from it. */
export const grupoDoFluxo = (options: FluxoOptions): Group<Planejado> => ({
  grupo: GRUPO,
  ler: (posicao, evento) => {
    const lido = lerEvento(posicao, evento)
    return lido.ok ? { ...lido, row: planejar(lido.acontecido, options) } : lido
  },
  effect: efeitoDePlanejar,
})

/** Follows the orders' events and plans the steps that follow from them. */
export function createFluxo(deps: ConsumirDeps): Follower {
  const feed = feedDoLog(deps)
  return createFollower({
    ...deps,
    ...grupoDoFluxo(deps),
    feed,
    epocaDoLog: async (particao) => (await feed.page({ particao, depoisDe: 0, limite: 1 })).epoca,
    depois: deps.onPlanned,
  })
}
