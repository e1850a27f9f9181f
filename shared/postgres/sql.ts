import postgres from 'postgres'
import type { Clock } from '../clock.ts'
import { ifInTime, withTimeout } from '../wait.ts'
import { createSocketMaker } from './socket.ts'
import { readTls } from './tls.ts'

export type Sql = postgres.Sql

export type SqlOptions = {
  /** With `sslmode` and `sslrootcert` where there is TLS: see `readTls`. */
  url: string
  /** Connections at most. */
  max: number
  /** `application_name`: what an operator sees in pg_stat_activity. */
  name: string
  /** The server gives up on a statement after this many milliseconds. */
  statementTimeoutMs?: number
  /** Further session settings, such as `{ plan_cache_mode: 'force_generic_plan' }`. */
  settings?: Readonly<Record<string, string>>
  /** Asks each new connection for the server's array types. Needed by `reserve()`, which only commands use: see `createTransactions`. */
  fetchTypes?: boolean
  /** Called when a connection of the pool closes. */
  onclose?: () => void
}

/** Long enough for any statement of ours on a loaded machine, short enough that a stuck one frees its callers. */
const STATEMENT_TIMEOUT_MS = 15_000
const CONNECT_TIMEOUT_SECONDS = 5
/** Waits between attempts to connect. postgres.js' own reach 20 s, and a server that is back should be found at once. */
const RECONNECT_SECONDS = { first: 0.05, max: 1 }
/** A transaction of ours never waits for a network call, so an idle one is a bug or a dead client. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000

/** A connection that is silent for this much longer than any statement may take is half open. */
const SILENT_GRACE_MS = 2_000

/** oid 1082: a calendar day is text. As a `Date` it would be UTC midnight, the day before in São Paulo. */
const DATE_OID = 1082

const identity = (value: string): string => value

/**
 * A pool for **single statements only**.
 *
 * postgres.js 3.4.9 can run strangers' statements inside an open transaction of the same pool and lose them with its
 * rollback (porsager/postgres#1218), so transactions have clients of their own: `createTransactions`.
 * int8 and numeric arrive as text (money never passes through floating point), dates as `YYYY-MM-DD`.
 *
 * @example
 * const sql = createSql({ url, max: 4, name: 'lancamentos' })
 * const [row] = await sql`select ultima from posicao where particao = ${0}`
 * await closeSql(sql)
 */
export const createSql = (options: SqlOptions): Sql => {
  const { max, name, settings, fetchTypes = false, onclose } = options
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS } = options
  const { url, tls } = readTls(options.url)
  // `socket` is missing in the package's types.
  const sockets = { socket: createSocketMaker(statementTimeoutMs + SILENT_GRACE_MS, tls) }
  return postgres(url, {
    ...sockets,
    // The sockets do it.
    ssl: false,
    max,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    backoff: (attempt: number) => Math.min(RECONNECT_SECONDS.first * 2 ** attempt, RECONNECT_SECONDS.max),
    fetch_types: fetchTypes,
    onnotice: () => {},
    ...(onclose && { onclose }),
    types: { date: { to: DATE_OID, from: [DATE_OID], serialize: identity, parse: identity } },
    connection: {
      application_name: name,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
      TimeZone: 'UTC',
      ...settings,
    },
  })
}

const CLOSE_TIMEOUT_SECONDS = 3

/** Closes a pool, also when the server is gone: postgres.js' own `end` may hang then (#1097, #1130). */
export const closeSql = async (sql: Sql): Promise<void> => {
  await ifInTime(sql.end({ timeout: CLOSE_TIMEOUT_SECONDS }), (CLOSE_TIMEOUT_SECONDS + 1) * 1000)
}

/** The reply of a statement did not come in time. Whether it was committed is **not known**. */
class StatementDeadline extends Error {
  constructor(deadlineMs: number) {
    super(`no reply from PostgreSQL within ${deadlineMs} ms`)
    this.name = 'StatementDeadline'
  }
}

/**
 * Bounds the wait for a query: on a half-open connection postgres.js never settles it (#1089). Rejects with
 * `StatementDeadline`; the server itself gives up at the pool's `statement_timeout`, which must be the shorter one.
 *
 * Never `query.cancel()`: postgres.js 3.4.9 drops a cancelled query that was already sent from its list, though its
 * reply still comes, and every later caller of that connection gets the rows of the query before its own.
 */
export const withDeadline = <T>(query: Promise<T>, deadlineMs: number, clock?: Clock): Promise<T> =>
  withTimeout(query, deadlineMs, () => new StatementDeadline(deadlineMs), clock)
