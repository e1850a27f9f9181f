/** Texts that an array literal may hold bare. `NULL` is the one bare word with a meaning. */
const BARE = /^[A-Za-z0-9._:+-]+$/

/**
 * A one-dimensional PostgreSQL array as text, to be cast by the statement (`$1::text::bigint[]`).
 *
 * Batches travel as one array per column: the server spends 3.7 µs a row on `unnest` where `jsonb_to_recordset` takes
 * 11.7 µs, and the client no more than with JSON (measured at 500 rows of six columns, PostgreSQL 18).
 */
export function arrayLiteral(values: readonly (string | number | bigint | null)[]): string {
  return `{${values.map(element).join(',')}}`
}

function element(value: string | number | bigint | null): string {
  if (value === null) return 'NULL'
  if (typeof value !== 'string') return String(value)
  if (BARE.test(value) && value.toUpperCase() !== 'NULL') return value
  return `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
