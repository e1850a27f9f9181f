import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { type ConnectionOptions, createSecureContext } from 'node:tls'
import { FIRST } from './protocol.ts'

/** How a server by this name is talked to under TLS. */
export type Tls = (host: string) => ConnectionOptions

/** What a client says first to be answered with TLS. Source: PostgreSQL, "SSL Session Encryption". */
export const SSL_REQUEST = Buffer.alloc(8)
SSL_REQUEST.writeUInt32BE(SSL_REQUEST.length, 0)
SSL_REQUEST.writeUInt32BE(FIRST.tls, 4)
/** The whole of a server's consent. Bytes behind it came from somebody else (CVE-2021-23222). */
export const CONSENT = Buffer.from('S')

/** There is no TLS as the URL asks for it. `code` says that no statement is to blame. */
export class TlsRefused extends Error {
  readonly code = 'TLS_REFUSED'
  constructor(cause: Error) {
    super(`PostgreSQL is not reached under TLS as the URL asks for it: ${cause.message}`, { cause })
    this.name = 'TlsRefused'
  }
}

const MODES = ['disable', 'require', 'verify-ca', 'verify-full']
const SYSTEM = 'system'

/** The authority's certificate, read once: a file that is gone later must not hold a connection up. */
const authorities = new Map<string, string>()
const authorityOf = (path: string): string => {
  try {
    const text = authorities.get(path) ?? readFileSync(path, 'utf8')
    authorities.set(path, text)
    return text
  } catch (cause) {
    throw new Error('the file that sslrootcert names cannot be read', { cause })
  }
}

/**
 * Splits a URL into what postgres.js may see and how TLS is done, in the words of libpq (`sslmode`, `sslrootcert`), as a URL of psql has them:
 * `require` encrypts, and asks for an authority's signature where `sslrootcert` names one; `verify-ca` always does; `verify-full` asks for the
 * host's name too, by Node's own authorities without `sslrootcert` (or with `system`).
 *
 * `prefer` and `allow` are refused: whoever can read the line can take their TLS away. Throws a sentence without any value of the URL.
 */
export const readTls = (url: string): { url: string; tls: Tls | undefined } => {
  const at = url.indexOf('?')
  if (at < 0) return { url, tls: undefined }
  const query = new URLSearchParams(url.slice(at + 1))
  const mode = query.get('sslmode') ?? 'disable'
  const root = query.get('sslrootcert')
  if (query.has('ssl')) throw new Error("TLS to PostgreSQL is asked for by sslmode in the URL, not by 'ssl'")
  if (!MODES.includes(mode)) throw new Error(`sslmode in the URL of a database must be one of ${MODES.join(', ')}`)
  if (mode === 'disable' && root !== null)
    throw new Error('sslrootcert in the URL of a database needs sslmode=verify-full')
  if (mode === 'verify-ca' && root === null) throw new Error('sslmode=verify-ca needs sslrootcert')
  if (root === SYSTEM && mode !== 'verify-full') throw new Error('sslrootcert=system needs sslmode=verify-full')
  query.delete('sslmode')
  query.delete('sslrootcert')
  const rest = query.size === 0 ? url.slice(0, at) : `${url.slice(0, at)}?${query}`
  return { url: rest, tls: mode === 'disable' ? undefined : termsOf(mode, root) }
}

const termsOf = (mode: string, root: string | null): Tls => {
  const secureContext = createSecureContext(root === null || root === SYSTEM ? {} : { ca: authorityOf(root) })
  const rejectUnauthorized = mode !== 'require' || root !== null
  return (host) => ({
    secureContext,
    rejectUnauthorized,
    // Both: by `host` an address is checked too, which cannot be a `servername`.
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
  })
}
