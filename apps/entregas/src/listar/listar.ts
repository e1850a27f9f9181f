import { requirePeriod } from '@fluxo/shared/fields'
import type { Status } from '../domain/status.ts'

/** Which orders of a merchant are asked for; days are those of São Paulo, both included. */
export type PedidoFilters = {
  status?: Status | undefined
  de?: string | undefined
  ate?: string | undefined
  referencia?: string | undefined
}

/** The filters of a query, with a period that does not end before it begins. */
export function filtersOf({ status, de, ate, referencia }: PedidoFilters): PedidoFilters {
  requirePeriod({ de, ate })
  return { status, de, ate, referencia }
}

/** What a cursor is valid for, as text: the merchant and the filters. */
export const cursorScope = (comercianteId: string, { status, de, ate, referencia }: PedidoFilters): string =>
  JSON.stringify([comercianteId, status, de, ate, referencia])
