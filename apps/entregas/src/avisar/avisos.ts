import { createFollower, type Timings } from '@fluxo/shared/follow/follower'
import type { FollowedLog } from '@fluxo/shared/follow/group'
import type { Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { createLease } from '@fluxo/shared/postgres/lease'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { RegraDeAlvo } from './alvo.ts'
import { createDespachante } from './despachar.ts'
import { createRemetente } from './enviar.ts'
import { AVISOS } from './grupo.ts'
import { exportarFilaDeAvisos } from './metricas.ts'
import { createWebhookRoutes } from './route.ts'
import { createWebhookStore } from './webhook-store.ts'

/** Keys of the lease of the webhooks' repair; the second tells it from the automatic flow's. */
const REPARO_LOCK = [7_264_202, 1] as const

export type AvisosOptions = RegraDeAlvo & {
  /** The wait before each attempt, in ms, instead of those of Standard Webhooks. A receiver that is unwell rests as long as the second. */
  esperasMs?: readonly number[] | undefined
  /** For tests: other waits, other name servers. */
  pollMs?: number
  descansoMs?: number
  limiteMs?: number
  servidores?: readonly string[]
}

export type AvisosDeps = {
  /** The orders' log, as its own database has it. */
  pedidos: FollowedLog
  avisos: AvisosOptions
  databaseUrl: string
  /** A pool for single statements: of the webhooks' own, so that a storm of them does not hold up the orders. */
  sql: Sql
  /** A pool for reads of one merchant (`LEITURA_SETTINGS`). */
  leituras: Sql
  redis: RedisConnections
  instancia: string
  verifier: Verifier
  limites?: Limites | undefined
  cursorSecret: string
  novoId: () => string
  agora: () => Date
  timings?: Partial<Timings> | undefined
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
}

export type Avisos = {
  routes: OpenAPIHono<AppEnv>
  start: () => Promise<void>
  /** Ends after the attempts in hand. */
  stop: () => Promise<void>
}

/** The webhooks: follows the orders' log, notes a delivery for whoever wants to hear of it, and sends what is due. */
export function createAvisos(deps: AvisosDeps): Avisos {
  const { sql, databaseUrl, pedidos, avisos, log, registry } = deps
  const remetente = createRemetente(avisos)
  const despachante = createDespachante({ ...deps, ...avisos, remetente })
  const follower = createFollower(
    { ...AVISOS, log: pedidos, committed: ({ applied }) => (applied > 0 ? despachante.wake() : undefined) },
    { ...deps, lease: createLease({ url: databaseUrl, key: REPARO_LOCK, name: 'reparo avisos', log }) },
  )
  exportarFilaDeAvisos(registry, sql)
  return {
    routes: createWebhookRoutes({
      ...deps,
      particoes: pedidos.particoes,
      webhooks: createWebhookStore(deps),
      alvo: avisos,
      onDue: despachante.wake,
    }),
    start: async () => {
      await follower.prepare()
      follower.start()
      despachante.start()
    },
    stop: async () => {
      await follower.stop()
      await despachante.stop()
      remetente.close()
    },
  }
}
