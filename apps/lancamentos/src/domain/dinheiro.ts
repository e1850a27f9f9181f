import { centsFromDecimal } from '@fluxo/shared/money'

/** An amount in integer cents. `bigint` also in memory: money never passes through floating point. */
export type Centavos = bigint

/** Why a text is not an amount that an entry may have. */
export type ValorRecusado = 'formato' | 'casas' | 'nao-positivo' | 'maximo'

/** What the merchant reads for each reason. */
export const MENSAGEM_DE_VALOR: Readonly<Record<ValorRecusado, string>> = {
  formato: 'Deve ser um número decimal com ponto, como 150.50, sem expoente nem separador de milhar.',
  casas: 'Deve ter no máximo 2 casas decimais.',
  'nao-positivo': 'Deve ser maior que zero.',
  maximo: 'Deve ser no máximo 9999999999999.99.',
}

/** A decimal number of any size and precision: only to tell the merchant which rule it breaks. */
const DECIMAL = /^(-?)(?:0|[1-9]\d*)(?:\.(\d+))?$/

/**
 * Reads the amount of an entry from its source text: `"150.5"` → `15050n`.
 *
 * Exact: `0.1` is 10 cents, and `1e2`, `1,50`, `007`, `.5` and three decimals are refused (API.md), with the reason as value.
 */
export function lerValor(texto: string): Centavos | ValorRecusado {
  const centavos = centsFromDecimal(texto)
  if (centavos !== undefined) return centavos > 0n ? centavos : 'nao-positivo'
  const [numero, sinal, decimais = ''] = DECIMAL.exec(texto) ?? []
  if (numero === undefined) return 'formato'
  if (sinal === '-') return 'nao-positivo'
  return decimais.length > 2 ? 'casas' : 'maximo'
}
