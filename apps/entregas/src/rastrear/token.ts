import { hash, randomBytes } from 'node:crypto'

/** 192 bits: nobody guesses one, however many there are. */
const TOKEN_BYTES = 24
const TOKEN = /^[A-Za-z0-9_-]{32}$/

/** The key of an order's public page. It is shown once and kept as its hash, so that no copy of the database opens a page. */
export const newToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url')

/** What a token is kept as: its SHA-256 in hex; `undefined` where the text cannot be one. */
export const tokenHash = (text: string): string | undefined =>
  TOKEN.test(text) ? hash('sha256', text, 'hex') : undefined
