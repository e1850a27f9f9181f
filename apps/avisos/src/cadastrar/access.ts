import { DomainError } from '@fluxo/shared/errors'
import type { AppEnv } from '@fluxo/shared/http/env'
import type { Context } from 'hono'

/** Who may keep webhooks and read them: `avisos:*`, and who may do the same with orders, where nothing but orders is told. */
export const WRITES = { scope: 'avisos:escrever', orScope: 'entregas:escrever' } as const
export const READS = { scope: 'avisos:ler', orScope: 'entregas:ler' } as const

/** Whether nothing but orders is told, which is so where nothing is named. */
const isOfOrders = (eventos: readonly string[] | undefined): boolean =>
  eventos === undefined || eventos.every((one) => one === 'order.*' || one.startsWith('pedido.'))

/** Whether the token of a request may have to do with a webhook that is told of these events. */
export const mayTouch = (c: Context<AppEnv>, eventos: readonly string[] | undefined): boolean =>
  c.get('scopes').has(scopeOf(c)) || isOfOrders(eventos)

const scopeOf = (c: Context<AppEnv>) => (c.req.method === 'GET' ? READS : WRITES).scope

/** Refuses with 403 what `mayTouch` does not allow. */
export function requireTouch(c: Context<AppEnv>, eventos: readonly string[] | undefined): void {
  if (mayTouch(c, eventos)) return
  const escopo = scopeOf(c)
  throw new DomainError('escopo-ausente', `O token não tem o escopo ${escopo}.`, { escopo })
}
