import { invariant, ValidationError } from '@fluxo/shared/errors'
import type { Pedido } from '../domain/pedido.ts'
import type { Status } from '../domain/status.ts'

/** Which orders of a merchant are asked for; days are those of São Paulo, both included. */
export type PedidoFilters = {
  status?: Status | undefined
  de?: string | undefined
  ate?: string | undefined
  referencia?: string | undefined
}

/** The point in the list after which a page begins: the last order of the page before. */
export type PedidoCursor = { createdAt: string; id: string }

/** The filters of a query, with a period that does not end before it begins. */
export function filtersOf({ status, de, ate, referencia }: PedidoFilters): PedidoFilters {
  if (de !== undefined && ate !== undefined && de > ate) {
    throw new ValidationError([{ campo: 'de', mensagem: 'Não pode ser depois de ate.' }])
  }
  return { status, de, ate, referencia }
}

/** What a cursor is valid for, as text: the merchant and the filters. `limit` may change from page to page. */
export const cursorScope = (comercianteId: string, { status, de, ate, referencia }: PedidoFilters): string =>
  JSON.stringify([comercianteId, status ?? null, de ?? null, ate ?? null, referencia ?? null])

/** Cuts the orders that were read (one more than `limit`) to a page, and says after which point the next one begins. */
export function paginate(pedidos: readonly Pedido[], limit: number): { itens: Pedido[]; after?: PedidoCursor } {
  const items = pedidos.slice(0, limit)
  const last = items.at(-1)
  if (pedidos.length <= limit || last === undefined) return { itens: items }
  return { itens: items, after: { createdAt: last.createdAt.toISOString(), id: last.id } }
}

/** A point as a cursor carries it, and back; the cursor's signature says that it was written here. */
export const pointText = ({ createdAt, id }: PedidoCursor): string => `${createdAt}|${id}`
export function readPoint(text: string): PedidoCursor {
  const [createdAt, id] = text.split('|')
  invariant(createdAt !== undefined && id !== undefined, 'a signed cursor holds a point')
  return { createdAt, id }
}
