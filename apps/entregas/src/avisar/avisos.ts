import { createFollower, type Timings } from '@fluxo/shared/follow/follower'
import type { FollowedLog } from '@fluxo/shared/follow/group'
import type { Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { createLease } from '@fluxo/shared/postgres/lease'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { AlvoRule } from './alvo.ts'
import { AVISOS } from './group.ts'
import { exportAvisoQueue } from './metrics.ts'
import { createWebhookPoster } from './poster.ts'
import { createWebhookRoutes } from './route.ts'
import { createWebhookSender } from './sender.ts'
import { createWebhookStore } from './webhook-store.ts'

/** Keys of the lease of the webhooks' repair; the second tells it from the automatic flow's. */
const REPAIR_LOCK = [LOCKS.repair, 1] as const

export type AvisosOptions = AlvoRule & {
  /** The wait before each attempt, in ms, instead of those of Standard Webhooks. A receiver that is unwell rests as long as the second. */
  waitsMs?: readonly number[] | undefined
  /** For tests: other waits, other name servers. */
  pollMs?: number
  restMs?: number
  limitMs?: number
  servers?: readonly string[]
}

export type AvisosDeps = {
  /** The orders' log, as its own database has it. */
  pedidos: FollowedLog
  avisos: AvisosOptions
  databaseUrl: string
  /** A pool for single statements: of the webhooks' own, so that a storm of them does not hold up the orders. */
  sql: Sql
  /** A pool for reads of one merchant (`READ_SETTINGS`). */
  readPool: Sql
  redis: RedisConnections
  instance: string
  verifier: Verifier
  limits?: Limits | undefined
  cursorSecret: string
  newId: () => string
  now: () => Date
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
  const poster = createWebhookPoster(avisos)
  const sender = createWebhookSender({ ...deps, ...avisos, poster })
  const follower = createFollower(
    { ...AVISOS, log: pedidos, committed: ({ applied }) => (applied > 0 ? sender.wake() : undefined) },
    { ...deps, lease: createLease({ url: databaseUrl, key: REPAIR_LOCK, name: 'reparo avisos', log }) },
  )
  exportAvisoQueue(registry, sql)
  return {
    routes: createWebhookRoutes({
      ...deps,
      particoes: pedidos.particoes,
      webhooks: createWebhookStore(deps),
      alvo: avisos,
      onDue: sender.wake,
    }),
    start: async () => {
      await follower.prepare()
      follower.start()
      sender.start()
    },
    stop: async () => {
      await follower.stop()
      await sender.stop()
      poster.close()
    },
  }
}
