import { invariant } from '../errors.ts'
import { throwUnavailable } from '../postgres/failure.ts'
import type { Sql } from '../postgres/sql.ts'
import { run, statement } from '../postgres/statement.ts'
import { encodeEvento } from './event.ts'
import { type LogTable, pageStatement } from './log-table.ts'

/** A row of the log as it travels: its position and its event as JSON text. */
export type LogEntry = { posicao: number; body: string }

export type ReadPage = (particao: number, after: number, limit: number) => Promise<LogEntry[]>

/**
 * Reads the log in order: the entries of a partition after a position, `limit` at most. A page that is not full ends
 * at the head of the log as of the statement. Positions have no gaps, so neither has a page.
 */
export const createReadPage = <Row>(sql: Sql, table: LogTable<Row>): ReadPage => {
  const page = pageStatement(table)
  return async (particao, after, limit) => {
    const rows = await run<Row & { posicao: number; epoca: string }>(sql, page, [particao, after, limit])
    return rows.map((row) => ({
      posicao: row.posicao,
      body: encodeEvento(table.fact(row), { particao, posicao: row.posicao, epoca: row.epoca }),
    }))
  }
}

/** The end of a partition's log: the highest position, the epoch to which it belongs, and how many partitions there are. */
export type LogHead = { ultima: number; epoca: string; particoes: number }

const HEAD = statement(
  'log.head',
  `select p.ultima::float8 as ultima, e.epoca::text as epoca, e.particoes::int as particoes
   from posicao p cross join log_estado e where p.particao = $1`,
)

/** Reads the end of a partition's log; undefined where there is no such partition. */
export const readHead = async (sql: Sql, particao: number): Promise<LogHead | undefined> => {
  const [head] = await run<LogHead>(sql, HEAD, [particao])
  return head
}

/** A page of the feed as JSON text: `{ particao, particoes, ultima, epoca, eventos }`. */
const encodeFeedPage = (page: LogHead & { particao: number }, entries: readonly LogEntry[]): string =>
  `{"particao":${page.particao},"particoes":${page.particoes},"ultima":${page.ultima},"epoca":${JSON.stringify(page.epoca)},"eventos":[${entries
    .map(({ body }) => body)
    .join(',')}]}`

export type FeedPageDeps = { readPage: ReadPage; readHead: (particao: number) => Promise<LogHead | undefined> }

/** A database that is away is a 503 for the readers, who come back. */
const unavailable = throwUnavailable('O log está indisponível')

/**
 * Makes the function that answers a page of the feed: the entries of a partition after a position, `limit` at most.
 * Rejects with `Unavailable` while the database is away.
 */
export const createFeedPage =
  ({ readPage, readHead }: FeedPageDeps) =>
  async (particao: number, after: number, limit: number): Promise<string> => {
    const entries = await readPage(particao, after, limit).catch(unavailable)
    // A page that is not full ends at the head; the counter is asked for after it, so that `ultima` is never behind.
    const head = await readHead(particao).catch(unavailable)
    invariant(head, 'every partition has a counter')
    return encodeFeedPage({ particao, ...head }, entries)
  }
