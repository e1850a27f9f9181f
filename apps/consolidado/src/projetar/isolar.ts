import { codeOf } from '@fluxo/shared/postgres/failure'

/**
 * SQLSTATE classes that speak of the data in the statement: 22 data exception, 23 integrity constraint violation.
 *
 * Everything else (outages, and a missing grant or table as well) would fail for every row, so it is never poison:
 * a forgotten migration must not send a day's business to the dead letters.
 */
const POISON_CLASSES = new Set(['22', '23'])

/** True where the same rows would fail for ever, and others would not. */
export const isPoison = (error: unknown): boolean => POISON_CLASSES.has(codeOf(error)?.slice(0, 2) ?? '')

export type Envenenado<Row> = { row: Row; motivo: string }

/**
 * Applies `rows`, halving them where the statement fails because of one of them, so that a bad row stays alone.
 *
 * Gives the outcomes of the parts in order, and the rows that cannot be applied. Any other error is thrown; parts that
 * were applied before stay applied, which is harmless since everything is applied once.
 */
export async function aplicarIsolando<Row, Outcome>(
  rows: readonly Row[],
  apply: (rows: readonly Row[]) => Promise<Outcome>,
): Promise<{ outcomes: Outcome[]; envenenados: Envenenado<Row>[] }> {
  const [first] = rows
  if (first === undefined) return { outcomes: [], envenenados: [] }
  try {
    return { outcomes: [await apply(rows)], envenenados: [] }
  } catch (error) {
    if (!isPoison(error)) throw error
    if (rows.length === 1) return { outcomes: [], envenenados: [{ row: first, motivo: `SQLSTATE ${codeOf(error)}` }] }
  }
  const middle = rows.length >> 1
  const left = await aplicarIsolando(rows.slice(0, middle), apply)
  const right = await aplicarIsolando(rows.slice(middle), apply)
  return {
    outcomes: [...left.outcomes, ...right.outcomes],
    envenenados: [...left.envenenados, ...right.envenenados],
  }
}
