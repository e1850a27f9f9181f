import postgres from 'postgres'
import type { Sql } from './sql.ts'

/** A statement of ours: its name says who asks and what for, in logs, in spans and to the simulation. */
export type Statement = { readonly name: string; readonly text: string; readonly prepare: boolean }

/** `prepare: false` where each call is planned by its own values, or is so rare that nothing should stay behind. */
export const statement = (name: string, text: string, { prepare = true } = {}): Statement => ({ name, text, prepare })

type Parameter = string | number | null

/**
 * Runs a statement on a pool or on a transaction's connection. What PostgreSQL refuses is thrown with the statement's name.
 *
 * @example const rows = await run<Row>(sql, READ_DAYS, [merchants, days])
 */
export const run = async <Row extends object>(
  sql: Pick<Sql, 'unsafe'>,
  { name, text, prepare }: Statement,
  parameters: Parameter[] = [],
): Promise<postgres.RowList<Row[]>> => {
  // postgres.js leaves `name` alone; the simulation knows the statement by it. Never `simple`, which nothing prepares.
  const options = { name, prepare, simple: false }
  try {
    return await sql.unsafe<Row[]>(text, parameters, options)
  } catch (error) {
    throw named(error, name)
  }
}

/** The rows of a statement in portions of `rowsAtOnce`, on a connection that nobody else uses meanwhile. */
export const inPortions = <Row extends object>(
  connection: Pick<Sql, 'unsafe'>,
  { text }: Statement,
  parameters: Parameter[],
  rowsAtOnce: number,
): AsyncIterable<Row[]> => connection.unsafe<Row[]>(text, parameters).cursor(rowsAtOnce)

/** The error of a broken connection is one and the same for all that it carried, so only an answer of the server's gets a name. */
export const named = (error: unknown, name: string): unknown =>
  error instanceof postgres.PostgresError ? Object.assign(error, { statement: name }) : error
