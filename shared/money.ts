/** Amount text: up to 13 whole digits without leading zeros, at most two decimals: ≤ 9999999999999.99. */
const DECIMAL = /^(0|[1-9]\d{0,12})(?:\.(\d{1,2}))?$/

/**
 * Reads a non-negative decimal text exactly: `"150.5"` → `15050n`.
 *
 * Returns `undefined` for anything else (sign, exponent, comma, spaces, a third decimal, more than 13 whole digits).
 */
export function centsFromDecimal(text: string): bigint | undefined {
  const found = DECIMAL.exec(text)
  if (found === null) return undefined
  const [, whole = '0', decimals = ''] = found
  return BigInt(whole + decimals.padEnd(2, '0'))
}

/** Writes cents as decimal text with exactly two places, without floating point: `-15050n` → `"-150.50"`. */
export function decimalFromCents(cents: bigint): string {
  if (cents < 0n) return `-${decimalFromCents(-cents)}`
  const digits = cents.toString().padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** An amount in integer cents. `bigint` also in memory: money never passes through floating point. */
export type Cents = bigint

/** Why a text is not an amount that an entry may have. */
type ValorFault = 'format' | 'decimals' | 'not-positive' | 'too-large'

/** What the merchant reads for each reason. */
export const VALOR_MESSAGES: Readonly<Record<ValorFault, string>> = {
  format: 'Deve ser um número decimal com ponto, como 150.50, sem expoente nem separador de milhar.',
  decimals: 'Deve ter no máximo 2 casas decimais.',
  'not-positive': 'Deve ser maior que zero.',
  'too-large': 'Deve ser no máximo 9999999999999.99.',
}

/** A decimal number of any size and precision: only to tell the merchant which rule it breaks. */
const ANY_DECIMAL = /^(-?)(?:0|[1-9]\d*)(?:\.(\d+))?$/

/**
 * Reads the amount of an entry from its source text: `"150.5"` → `15050n`.
 *
 * Exact: `0.1` is 10 cents, and `1e2`, `1,50`, `007`, `.5` and three decimals are refused, with the reason as value.
 *
 * @example
 * readValor('150.5') // 15050n
 * readValor('1,50') // 'format'
 */
export function readValor(text: string): Cents | ValorFault {
  const cents = centsFromDecimal(text)
  if (cents !== undefined) return cents > 0n ? cents : 'not-positive'
  const [number, sign, decimals = ''] = ANY_DECIMAL.exec(text) ?? []
  if (number === undefined) return 'format'
  if (sign === '-') return 'not-positive'
  return decimals.length > 2 ? 'decimals' : 'too-large'
}
