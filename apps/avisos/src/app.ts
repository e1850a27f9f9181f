import type { Follower } from '@fluxo/shared/follow/follower'
import type { FollowedLog } from '@fluxo/shared/follow/group'
import type { AppEnv } from '@fluxo/shared/http/env'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { ServiceContext, Worker } from '@fluxo/shared/process/define-service'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { AlvoRule } from './alvo.ts'
import { AVISOS } from './group.ts'
import { exportAvisoQueue } from './metrics.ts'
import { createWebhookPoster } from './poster.ts'
import { createWebhookRoutes } from './route.ts'
import { createWebhookSender } from './sender.ts'
import { createWebhookStore } from './webhook-store.ts'

/** Tells the lease of the webhooks' repair from the automatic flow's. */
const REPAIR_NUMBER = 1

export type AvisosOptions = AlvoRule & {
  /** The wait before each attempt, in ms, instead of those of Standard Webhooks. A receiver that is unwell rests as long as the second. */
  waitsMs?: readonly number[] | undefined
  /** For tests: other waits, other name servers. */
  pollMs?: number
  restMs?: number
  limitMs?: number
  servers?: readonly string[]
}

type AvisosDeps = ServiceContext<unknown> & {
  /** The orders' log, as its own database has it. */
  pedidos: FollowedLog
  avisos: AvisosOptions
  /** A pool of the webhooks' own, so that a storm of them does not hold up the orders. */
  sql: Sql
  /** A pool for reads of one merchant (`READ_SETTINGS`). */
  readPool: Sql
}

/** The webhooks: follows the orders' log, notes a delivery for whoever wants to hear of it, and sends what is due. */
export function createAvisos(deps: AvisosDeps): { routes: OpenAPIHono<AppEnv>; follower: Follower; sender: Worker } {
  const { sql, pedidos, avisos, registry } = deps
  const poster = createWebhookPoster(avisos)
  const sender = createWebhookSender({ ...deps, ...avisos, poster })
  exportAvisoQueue(registry, sql)
  return {
    follower: deps.follow(
      { ...AVISOS, log: pedidos, committed: ({ applied }) => (applied > 0 ? sender.wake() : undefined) },
      { sql, lease: { name: 'reparo avisos', number: REPAIR_NUMBER } },
    ),
    sender: { ...sender, close: poster.close },
    routes: createWebhookRoutes({
      ...deps,
      particoes: pedidos.particoes,
      webhooks: createWebhookStore(deps),
      alvo: avisos,
      onDue: sender.wake,
    }),
  }
}
