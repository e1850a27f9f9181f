import { DrizzleQueryError } from 'drizzle-orm'
import { drizzle, type PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import { ownRows } from './own-rows.ts'
import type { Sql } from './sql.ts'
import { named } from './statement.ts'

/** What `unsafe` of a pool, or of a transaction's connection, does. */
type Statements = Pick<Sql, 'unsafe'>

/** A query of drizzle's, such as `(db) => db.select().from(table)`. */
export type Question<T> = (db: PgRemoteDatabase) => PromiseLike<T>

/** Asks what drizzle's query builder says: drizzle writes the statement and reads its rows, our pool runs it. */
export const ask = <T>(sql: Statements, question: Question<T>): Promise<T> =>
  answerOf(sql, question, (text, parameters) => [text, parameters])

/** The same for one merchant, whose rows alone PostgreSQL shows it: see `ownRows`. `sql` is a pool of a role under row-level security. */
export const askOwn = <T>(sql: Statements, comercianteId: string, question: Question<T>): Promise<T> =>
  answerOf(sql, question, (text, parameters) => [
    ownRows(text, `$${parameters.length + 1}`),
    [...parameters, comercianteId],
  ])

const WRITES = /(?<!for )\b(insert into|update|delete from) "?(\w+)/
const READS = /\b(from) "?(\w+)/

/** A query's name, as statements of ours have one: the first table that it writes, else reads, and the verb; `webhook.update`. */
const nameOf = (text: string): string => {
  const [, verb = '', table] = WRITES.exec(text) ?? READS.exec(text) ?? []
  return `${table}.${verb === 'from' ? 'select' : verb.split(' ')[0]}`
}

/**
 * drizzle's own driver would change the parsers of the pool under every other statement, hence its proxy. Its error tells the
 * parameters, which are no log's business; the pool's is the cause of it.
 */
async function answerOf<T>(
  sql: Statements,
  question: Question<T>,
  statementOf: (text: string, parameters: never[]) => [text: string, parameters: string[]],
): Promise<T> {
  const db = drizzle(async (text, parameters, method) => {
    const name = nameOf(text)
    const options = { name, prepare: true }
    const query = sql.unsafe(...statementOf(text, parameters as never[]), options)
    try {
      return { rows: await (method === 'all' ? query.values() : query) }
    } catch (error) {
      throw named(error, name)
    }
  })
  try {
    return await question(db)
  } catch (error) {
    throw error instanceof DrizzleQueryError ? error.cause : error
  }
}
