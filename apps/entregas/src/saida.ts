import type { AppEnv } from '@fluxo/shared/http/env'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { OpenAPIHono } from '@hono/zod-openapi'
import { type AvisosDeps, type AvisosOptions, createAvisos } from './avisar/avisos.ts'

export type SaidaDeps = Omit<AvisosDeps, 'sql' | 'avisos'> & {
  /** Where webhooks may go; by default to public addresses only. */
  avisos?: AvisosOptions
  /** Session settings of statements that must not scan whole tables. */
  settings: Readonly<Record<string, string>>
}

/** What leaves the house: webhooks. */
export type Saida = {
  routes: OpenAPIHono<AppEnv>
  start: () => Promise<void>
  /** Finishes what is in hand. */
  stop: () => Promise<void>
  close: () => Promise<void>
}

/** A pool of the webhooks alone, so that a storm of them holds up no order: noting, taking, and what came of it. */
export const POOL_DE_AVISOS = { name: 'entregas avisos', max: 3 }

/** The outward half of the service: who is told of an order, and how. */
export function createSaida(deps: SaidaDeps): Saida {
  const { databaseUrl, settings, avisos: opcoes = { permiteLoopback: false } } = deps
  const sql = createSql({ url: databaseUrl, ...POOL_DE_AVISOS, settings })
  const avisos = createAvisos({ ...deps, avisos: opcoes, sql })
  const routes = new OpenAPIHono<AppEnv>()
  routes.route('/', avisos.routes)
  return {
    routes,
    start: avisos.start,
    stop: avisos.stop,
    close: () => closeSql(sql),
  }
}
