import { Unavailable } from '../errors.ts'

/** What a thrown value says about itself: a SQLSTATE or a Node/postgres.js error code. */
export const codeOf = (error: unknown): string | undefined => {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** postgres.js', Node's and our own codes for "the server cannot be reached or has gone". */
const CONNECTION_CODES = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'CONNECTION_CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOENT',
  'TLS_REFUSED',
])

/**
 * SQLSTATE classes that speak of the server's condition and not of the statement: 08 connection, 40 rollback
 * (serialization, deadlock), 53 resources (disk, memory, connections), 57 operator intervention (shutdown, cancel,
 * statement_timeout), 58 system error. Source: PostgreSQL appendix A, "Error Codes".
 */
const INFRASTRUCTURE_CLASSES = new Set(['08', '40', '53', '57', '58'])
const SQLSTATE = /^[0-9A-Z]{5}$/

/** Lock not available, read only transaction (a server demoted to standby). */
const INFRASTRUCTURE_STATES = new Set(['55P03', '25006'])

/**
 * True where the same statement may succeed later: such an error is no reason to refuse data, and never makes poison.
 */
export const isInfrastructure = (error: unknown): boolean => {
  if (error instanceof Error && (error.name === 'StatementDeadline' || error.name === 'TimeoutError')) return true
  const code = codeOf(error)
  if (code === undefined) return error instanceof AggregateError && error.errors.some(isInfrastructure)
  if (CONNECTION_CODES.has(code)) return true
  return SQLSTATE.test(code) && (INFRASTRUCTURE_CLASSES.has(code.slice(0, 2)) || INFRASTRUCTURE_STATES.has(code))
}

const UNIQUE_VIOLATION = '23505'

/** True where a unique index refused a row. */
export const isUniqueViolation = (error: unknown): boolean => codeOf(error) === UNIQUE_VIOLATION

const RETRY_AFTER_SECONDS = 2

/**
 * Makes what stands behind a `catch`: it throws the refusal of a request whose database is away (503), and anything else as it came.
 * `what` says to the merchant what that is: "O registro está indisponível".
 */
export const throwUnavailable =
  (what: string) =>
  (cause: unknown): never => {
    if (!isInfrastructure(cause)) throw cause
    throw new Unavailable('banco-indisponivel', `${what} agora. Tente de novo.`, RETRY_AFTER_SECONDS, { cause })
  }
