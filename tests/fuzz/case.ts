import type { Operation } from '../stage/openapi-document.ts'

/** What is known of the system when cases are made. */
export type Surroundings = {
  operations: readonly [Operation, ...Operation[]]
  /** Ids of entries that are there. */
  ids: readonly string[]
  /** `Authorization` of a merchant, of another, and of the service scope. */
  tokens: { merchant: string; other: string; service: string }
  /** A cursor that the list gave. */
  cursor: string
  /** Values of other parameters, by their names. */
  known?: Readonly<Record<string, readonly [string, ...string[]]>>
}

/** One case: bytes for a connection, and what may come back. */
export type Case = {
  number: number
  class: CaseClass
  operation: Operation
  pieces: Buffer[]
  pauseMs?: number
  halfClose?: boolean
  /** Statuses that may be answered beside those that the operation documents. */
  beside: readonly number[]
  /** The most answers that may come: more would be a smuggled request. */
  answersMax: number
  /** Whether the connection may end without an answer. */
  mayBeCut?: boolean
}

export const CASE_CLASSES = [
  'valid',
  'near-valid',
  'sql',
  'crlf',
  'nul',
  'unicode',
  'proto',
  'path',
  'html',
  'long',
  'huge-number',
  'json-bomb',
  'heavy',
  'invalid-utf8',
  'token',
  'media-type',
  'address',
  'headers',
  'many-headers',
  'slow',
  'pipelined',
  'smuggled',
  'noise',
] as const
export type CaseClass = (typeof CASE_CLASSES)[number]

/** The request of a case before it is bytes. Texts of the address and the headers are latin1, as HTTP has them. */
export type Request = { method: string; target: string; headers: [string, string][]; body: Buffer | undefined }
