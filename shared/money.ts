/** Amount text: up to 13 whole digits without leading zeros, at most two decimals (API.md: ≤ 9999999999999.99). */
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
