import { randomBytes } from 'node:crypto'

/** W3C Trace Context level 1, version 00: version, 16-byte trace id, 8-byte parent id, flags. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/
const LENGTH = 55
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)

/** The header as it came where it is a valid `traceparent` (never all-zero ids), else `undefined`. */
export function parseTraceparent(header: string | undefined): string | undefined {
  if (header === undefined || header.length !== LENGTH) return undefined
  const found = TRACEPARENT.exec(header)
  if (found === null || found[1] === NO_TRACE || found[2] === NO_SPAN) return undefined
  return header
}

/** The 32 hex digits of the trace id of a valid `traceparent`. */
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35)

const spanId = (): string => randomBytes(8).toString('hex')

/** A new trace, sampled: for work that no request started. */
export const newTraceparent = (): string => `00-${randomBytes(16).toString('hex')}-${spanId()}-01`

/** The same trace and flags as `parent`, with a new span id; a new trace where `parent` is absent or not valid. */
export function childTraceparent(parent?: string): string {
  const valid = parseTraceparent(parent)
  return valid === undefined ? newTraceparent() : `${valid.slice(0, 36)}${spanId()}${valid.slice(52)}`
}
