import { invariant, ValidationError } from '@fluxo/shared/errors'
import type { Tipo } from '../domain/lancamento.ts'

/** Which entries of a merchant are asked for; both days are included. */
export type Filtros = {
  de?: string | undefined
  ate?: string | undefined
  tipo?: Tipo | undefined
  referencia?: string | undefined
}

/** The point in the list after which a page begins: the last entry of the page before. */
export type Ponto = { data: string; posicao: number }

/** The filters of a query: `data` is short for one day, so it cannot stand beside `de` or `ate`. */
export function filtrosDe(consulta: Filtros & { data?: string | undefined }): Filtros {
  const { data, de = data, ate = data, tipo, referencia } = consulta
  if (data !== undefined && (consulta.de !== undefined || consulta.ate !== undefined)) {
    throw new ValidationError([{ campo: 'data', mensagem: 'Não pode vir junto com de ou ate.' }])
  }
  if (de !== undefined && ate !== undefined && de > ate) {
    throw new ValidationError([{ campo: 'de', mensagem: 'Não pode ser depois de ate.' }])
  }
  return { de, ate, tipo, referencia }
}

/** What a cursor is valid for, as text: the merchant and the filters. `limite` may change from page to page. */
export const escopoDoCursor = (comercianteId: string, { de, ate, tipo, referencia }: Filtros): string =>
  JSON.stringify([comercianteId, de ?? null, ate ?? null, tipo ?? null, referencia ?? null])

/** Cuts the rows that were read (one more than `limite`) to a page, and says after which point the next one begins. */
export function paginar<Linha extends Ponto>(
  linhas: readonly Linha[],
  limite: number,
): { itens: Linha[]; depois?: Ponto } {
  const itens = linhas.slice(0, limite)
  const ultima = itens.at(-1)
  if (linhas.length <= limite || ultima === undefined) return { itens }
  return { itens, depois: { data: ultima.data, posicao: ultima.posicao } }
}

/** `data` and `posicao` as one text. */
const PONTO = /^(\d{4}-\d{2}-\d{2})\|(\d{1,16})$/

/** A point as a cursor carries it. */
export const textoDoPonto = ({ data, posicao }: Ponto): string => `${data}|${posicao}`

/** Reads what `textoDoPonto` wrote; the cursor's signature says that it did. */
export function lerPonto(texto: string): Ponto {
  const [, data, posicao] = PONTO.exec(texto) ?? []
  invariant(data !== undefined && posicao !== undefined, 'a signed cursor holds a point')
  return { data, posicao: Number(posicao) }
}
