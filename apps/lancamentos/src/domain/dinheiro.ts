/** An amount in integer cents. `bigint` also in memory: money never passes through floating point. */
export type Centavos = bigint

/** The largest amount of one entry, 9 999 999 999 999.99, in cents (API.md); 15 digits, so that it is also an exact JS number. */
export const VALOR_MAX: Centavos = 999_999_999_999_999n

/** Longest text that can be an amount: 13 digits, a point and two decimals. Anything longer is not even matched. */
const VALOR_TEXTO_MAX = 16

const DECIMAL = /^(0|[1-9]\d*)(?:\.(\d+))?$/

/** Why a text is not an amount that an entry may have. */
export type ValorRecusado = 'formato' | 'casas' | 'nao-positivo' | 'maximo'

/** What the merchant reads for each reason. */
export const MENSAGEM_DE_VALOR: Readonly<Record<ValorRecusado, string>> = {
  formato: 'Deve ser um número decimal com ponto, como 150.50, sem expoente nem separador de milhar.',
  casas: 'Deve ter no máximo 2 casas decimais.',
  'nao-positivo': 'Deve ser maior que zero.',
  maximo: 'Deve ser no máximo 9999999999999.99.',
}

/**
 * Reads the amount of an entry from its source text: `"150.5"` → `15050n`.
 *
 * Exact: `0.1` is 10 cents, and `1e2`, `1,50`, `007`, `.5` and three decimals are refused (API.md), with the reason as value.
 */
export function lerValor(texto: string): Centavos | ValorRecusado {
  if (texto.startsWith('-') && DECIMAL.test(texto.slice(1))) return 'nao-positivo'
  const partes = DECIMAL.exec(texto)
  if (partes === null) return 'formato'
  const [, inteiro = '', decimais = ''] = partes
  if (decimais.length > 2) return 'casas'
  if (texto.length > VALOR_TEXTO_MAX) return 'maximo'
  const centavos = BigInt(inteiro + decimais.padEnd(2, '0'))
  if (centavos === 0n) return 'nao-positivo'
  return centavos > VALOR_MAX ? 'maximo' : centavos
}

/** Cents as decimal text with exactly two places: `15050n` → `"150.50"`. */
export function decimalDeCentavos(centavos: Centavos): string {
  const sinal = centavos < 0n ? '-' : ''
  const digitos = (centavos < 0n ? -centavos : centavos).toString().padStart(3, '0')
  return `${sinal}${digitos.slice(0, -2)}.${digitos.slice(-2)}`
}
