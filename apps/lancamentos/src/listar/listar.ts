import { invariant, ValidationError } from '@fluxo/shared/errors'
import type { Tipo } from '../domain/lancamento.ts'

/** Which entries of a merchant are asked for; both days are included. */
export type LancamentoFilters = {
  de?: string | undefined
  ate?: string | undefined
  tipo?: Tipo | undefined
  referencia?: string | undefined
}

/** The point in the list after which a page begins: the last entry of the page before. */
export type LancamentoCursor = { data: string; posicao: number }

/** The filters of a query: `data` is short for one day, so it cannot stand beside `de` or `ate`. */
export function filtersOf(query: LancamentoFilters & { data?: string | undefined }): LancamentoFilters {
  const { data, de = data, ate = data, tipo, referencia } = query
  if (data !== undefined && (query.de !== undefined || query.ate !== undefined)) {
    throw new ValidationError([{ campo: 'data', mensagem: 'Não pode vir junto com de ou ate.' }])
  }
  if (de !== undefined && ate !== undefined && de > ate) {
    throw new ValidationError([{ campo: 'de', mensagem: 'Não pode ser depois de ate.' }])
  }
  return { de, ate, tipo, referencia }
}

/** What a cursor is valid for, as text: the merchant and the filters. `limit` may change from page to page. */
export const cursorScope = (comercianteId: string, { de, ate, tipo, referencia }: LancamentoFilters): string =>
  JSON.stringify([comercianteId, de ?? null, ate ?? null, tipo ?? null, referencia ?? null])

/** Cuts the rows that were read (one more than `limit`) to a page, and says after which point the next one begins. */
export function paginate<Item extends LancamentoCursor>(
  rows: readonly Item[],
  limit: number,
): { itens: Item[]; after?: LancamentoCursor } {
  const items = rows.slice(0, limit)
  const ultima = items.at(-1)
  if (rows.length <= limit || ultima === undefined) return { itens: items }
  return { itens: items, after: { data: ultima.data, posicao: ultima.posicao } }
}

/** `data` and `posicao` as one text. */
const POINT = /^(\d{4}-\d{2}-\d{2})\|(\d{1,16})$/

/** A point as a cursor carries it. */
export const pointText = ({ data, posicao }: LancamentoCursor): string => `${data}|${posicao}`

/** Reads what `pointText` wrote; the cursor's signature says that it did. */
export function readPoint(text: string): LancamentoCursor {
  const [, data, posicao] = POINT.exec(text) ?? []
  invariant(data !== undefined && posicao !== undefined, 'a signed cursor holds a point')
  return { data, posicao: Number(posicao) }
}
