import type { Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { createLive } from './acompanhar/live.ts'
import { createAcompanharRoutes } from './acompanhar/route.ts'
import { createAcompanharStore } from './acompanhar/store.ts'
import { COMERCIANTE_SLOTS, createStreamSlots, PAGE_SLOTS } from './acompanhar/stream-slots.ts'
import { type AvisosDeps, type AvisosOptions, createAvisos } from './avisar/avisos.ts'
import type { PedidoReadStore } from './listar/store.ts'
import { createPageLimit } from './rastrear/limit.ts'
import { createRastrearRoutes } from './rastrear/route.ts'
import { createRastreioStore } from './rastrear/store.ts'

type OutboundDeps = Omit<AvisosDeps, 'sql' | 'avisos'> & {
  /** Where webhooks may go; by default to public addresses only. */
  avisos?: AvisosOptions
  /** Session settings of statements that must not scan whole tables. */
  settings: Readonly<Record<string, string>>
  /** A pool for single statements that read for nobody in particular. */
  logReads: Sql
  reads: PedidoReadStore
  verifier: Verifier
  limits?: Limits | undefined
}

/** What leaves the house: webhooks, live streams, the public page. */
type Outbound = {
  routes: OpenAPIHono<AppEnv>
  start: () => Promise<void>
  /** Ends the streams: their clients go on at another instance. */
  leave: () => void
  /** Finishes what is in hand. */
  stop: () => Promise<void>
  close: () => Promise<void>
}

/** A pool of the webhooks alone, so that a storm of them holds up no order: noting, taking, and what came of it. */
export const AVISOS_POOL = { name: 'entregas avisos', max: 3 }

/** The outward half of the service: who is told of an order, and how. */
export function createOutbound(deps: OutboundDeps): Outbound {
  const { databaseUrl, settings, logReads, readPool, reads, avisos: options = { allowsLoopback: false } } = deps
  const sql = createSql({ url: databaseUrl, ...AVISOS_POOL, settings })
  const avisos = createAvisos({ ...deps, avisos: options, sql })
  const live = createLive({ ...deps, ...deps.pedidos, store: createAcompanharStore(logReads, reads) })
  const { audience } = live
  const routes = new OpenAPIHono<AppEnv>()
  routes.route('/', avisos.routes)
  routes.route('/', createAcompanharRoutes({ ...deps, audience, slots: createStreamSlots(COMERCIANTE_SLOTS) }))
  const pageLimit = createPageLimit({ redis: deps.redis.cache, registry: deps.registry })
  const rastreios = createRastreioStore({ sql: logReads, readPool })
  const slots = createStreamSlots(PAGE_SLOTS)
  routes.route('/', createRastrearRoutes({ ...deps, audience, slots, rastreios, pageLimit }))
  return {
    routes,
    start: async () => {
      await avisos.start()
      live.start()
    },
    leave: audience.close,
    stop: async () => {
      await Promise.all([live.stop(), avisos.stop()])
    },
    close: () => closeSql(sql),
  }
}
