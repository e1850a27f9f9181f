import { decimalFromCents } from '@fluxo/shared/money'
import type { Lancamento } from './lancamento.ts'

/**
 * The JSON text of an entry as every answer shows it.
 *
 * Written by hand, since `JSON.stringify` cannot write a number with two decimals: `valor` comes straight from the cents.
 */
export function lancamentoJson(l: Lancamento): string {
  const referencia = l.referencia === undefined ? '' : `"referencia":${JSON.stringify(l.referencia)},`
  const estorna = l.estorna === undefined ? '' : `"estorna":"${l.estorna}",`
  return (
    `{"id":"${l.id}","valor":${decimalFromCents(l.valor)},"tipo":"${l.tipo}","descricao":${JSON.stringify(l.descricao)},` +
    `"data":"${l.data}",${referencia}${estorna}"created_at":"${l.createdAt.toISOString()}"}`
  )
}
