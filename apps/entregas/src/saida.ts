import type { Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { createAoVivo } from './acompanhar/ao-vivo.ts'
import { createAcompanharRoutes } from './acompanhar/route.ts'
import { createAcompanharStore } from './acompanhar/store.ts'
import { createVagas, VAGAS_DE_COMERCIANTES, VAGAS_DE_PAGINAS } from './acompanhar/vagas.ts'
import { type AvisosDeps, type AvisosOptions, createAvisos } from './avisar/avisos.ts'
import type { LeituraStore } from './listar/store.ts'
import { createLimiteDaPagina } from './rastrear/limite.ts'
import { createRastrearRoutes } from './rastrear/route.ts'
import { createRastreioStore } from './rastrear/store.ts'

type SaidaDeps = Omit<AvisosDeps, 'sql' | 'avisos'> & {
  /** Where webhooks may go; by default to public addresses only. */
  avisos?: AvisosOptions
  /** Session settings of statements that must not scan whole tables. */
  settings: Readonly<Record<string, string>>
  /** A pool for single statements that read for nobody in particular. */
  logReads: Sql
  leitura: LeituraStore
  verifier: Verifier
  limites?: Limites | undefined
}

/** What leaves the house: webhooks, live streams, the public page. */
type Saida = {
  routes: OpenAPIHono<AppEnv>
  start: () => Promise<void>
  /** Ends the streams: their clients go on at another instance. */
  leave: () => void
  /** Finishes what is in hand. */
  stop: () => Promise<void>
  close: () => Promise<void>
}

/** A pool of the webhooks alone, so that a storm of them holds up no order: noting, taking, and what came of it. */
export const POOL_DE_AVISOS = { name: 'entregas avisos', max: 3 }

/** The outward half of the service: who is told of an order, and how. */
export function createSaida(deps: SaidaDeps): Saida {
  const { databaseUrl, settings, logReads, leituras, leitura, avisos: opcoes = { permiteLoopback: false } } = deps
  const sql = createSql({ url: databaseUrl, ...POOL_DE_AVISOS, settings })
  const avisos = createAvisos({ ...deps, avisos: opcoes, sql })
  const aoVivo = createAoVivo({ ...deps, ...deps.pedidos, store: createAcompanharStore(logReads, leitura) })
  const { plateia } = aoVivo
  const routes = new OpenAPIHono<AppEnv>()
  routes.route('/', avisos.routes)
  routes.route('/', createAcompanharRoutes({ ...deps, plateia, vagas: createVagas(VAGAS_DE_COMERCIANTES) }))
  const limiteDaPagina = createLimiteDaPagina({ redis: deps.redis.cache, registry: deps.registry })
  const rastreios = createRastreioStore({ sql: logReads, leituras })
  const vagas = createVagas(VAGAS_DE_PAGINAS)
  routes.route('/', createRastrearRoutes({ ...deps, plateia, vagas, rastreios, limiteDaPagina }))
  return {
    routes,
    start: async () => {
      await avisos.start()
      aoVivo.start()
    },
    leave: plateia.encerrar,
    stop: async () => {
      await Promise.all([aoVivo.stop(), avisos.stop()])
    },
    close: () => closeSql(sql),
  }
}
