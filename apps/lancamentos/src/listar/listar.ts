import { ValidationError } from '@fluxo/shared/errors'
import { requirePeriod } from '@fluxo/shared/fields'
import type { PagePoint } from '@fluxo/shared/http/page/page'
import type { Tipo } from '../domain/lancamento.ts'

/** Which entries of a merchant are asked for; both days are included. */
export type LancamentoFilters = {
  de?: string | undefined
  ate?: string | undefined
  tipo?: Tipo | undefined
  referencia?: string | undefined
}

/** The filters of a query: `data` is short for one day, so it cannot stand beside `de` or `ate`. */
export function filtersOf(query: LancamentoFilters & { data?: string | undefined }): LancamentoFilters {
  const { data, de = data, ate = data, tipo, referencia } = query
  if (data !== undefined && (query.de !== undefined || query.ate !== undefined)) {
    throw new ValidationError([{ campo: 'data', mensagem: 'Não pode vir junto com de ou ate.' }])
  }
  requirePeriod({ de, ate })
  return { de, ate, tipo, referencia }
}

/** What a cursor is valid for, as text: the merchant and the filters. */
export const cursorScope = (comercianteId: string, { de, ate, tipo, referencia }: LancamentoFilters): string =>
  JSON.stringify([comercianteId, de, ate, tipo, referencia])

/** What the list is ordered by: a merchant's entries are all in one partition. */
export const pointOf = ({ data, posicao }: { data: string; posicao: number }): PagePoint => [data, String(posicao)]
