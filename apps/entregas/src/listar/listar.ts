import { invariant, ValidationError } from '@fluxo/shared/errors'
import type { Pedido } from '../domain/pedido.ts'
import type { Status } from '../domain/status.ts'

/** Which orders of a merchant are asked for; days are those of São Paulo, both included. */
export type Filtros = {
  status?: Status | undefined
  de?: string | undefined
  ate?: string | undefined
  referencia?: string | undefined
}

/** The point in the list after which a page begins: the last order of the page before. */
export type Ponto = { createdAt: string; id: string }

/** The filters of a query, with a period that does not end before it begins. */
export function filtrosDe({ status, de, ate, referencia }: Filtros): Filtros {
  if (de !== undefined && ate !== undefined && de > ate) {
    throw new ValidationError([{ campo: 'de', mensagem: 'Não pode ser depois de ate.' }])
  }
  return { status, de, ate, referencia }
}

/** What a cursor is valid for, as text: the merchant and the filters. `limite` may change from page to page. */
export const escopoDoCursor = (comercianteId: string, { status, de, ate, referencia }: Filtros): string =>
  JSON.stringify([comercianteId, status ?? null, de ?? null, ate ?? null, referencia ?? null])

/** Cuts the orders that were read (one more than `limite`) to a page, and says after which point the next one begins. */
export function paginar(pedidos: readonly Pedido[], limite: number): { itens: Pedido[]; depois?: Ponto } {
  const itens = pedidos.slice(0, limite)
  const ultimo = itens.at(-1)
  if (pedidos.length <= limite || ultimo === undefined) return { itens }
  return { itens, depois: { createdAt: ultimo.createdAt.toISOString(), id: ultimo.id } }
}

/** A point as a cursor carries it, and back; the cursor's signature says that it was written here. */
export const textoDoPonto = ({ createdAt, id }: Ponto): string => `${createdAt}|${id}`
export function lerPonto(texto: string): Ponto {
  const [createdAt, id] = texto.split('|')
  invariant(createdAt !== undefined && id !== undefined, 'a signed cursor holds a point')
  return { createdAt, id }
}
