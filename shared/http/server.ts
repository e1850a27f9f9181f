import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, Server as NetServer } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { CODIGOS } from '../codigos/codigos.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { AppEnv } from './env.ts'
import { createParseErrors, HEADERS_BYTES_MAX, MALFORMED } from './parse-error.ts'
import { problemAnswer, problemText } from './problem.ts'
import { TracedResponse } from './traced-response.ts'

/** Longer than the 60 s for which nginx keeps an idle upstream connection, so that it is never we who close first. */
const KEEP_ALIVE_MS = 75_000
/** A client that cannot finish its headers in this time is holding a connection, not using it. */
const HEADERS_MS = 15_000
/** An import of any size must fit; a connection without a byte in either direction ends after `SILENCE_MS`. */
const REQUEST_MS = 30 * 60_000
const SILENCE_MS = 120_000
/**
 * After the listener has closed, an idle keep-alive connection may still have a request on its way to us. It gets this long
 * to arrive and to be answered with `Connection: close`; closing at once would fail that request.
 */
const IDLE_LINGER_MS = 250

export type HttpServer = {
  port: number
  /** Still accepts, and asks every client to go elsewhere: `Connection: close` on each answer from now on. */
  leave(): void
  /** Closes the listener, then waits for what is in flight; after `deadlineMs` the rest is cut. Memoised. */
  stop(deadlineMs: number): Promise<void>
}

type ServeOptions = { app: Pick<Hono<AppEnv>, 'fetch'>; port: number; hostname: string; log: Logger }

/** Listens on `hostname:port` (0: a free port). Rejects where the port is taken. */
export async function serveHttp({ app, port, hostname, log }: ServeOptions): Promise<HttpServer> {
  const door = { leaving: false }
  const answer = getRequestListener(app.fetch, { errorHandler: (error) => answerUnreadable(error, log) })
  const parseErrors = createParseErrors()
  const listener = (incoming: IncomingMessage, outgoing: TracedResponse): void => {
    outgoing.door = door
    parseErrors.seen(outgoing)
    if (isUnasked(incoming)) incoming.resume()
    if (!isAddressed(incoming)) {
      outgoing
        .writeHead(CODIGOS[MALFORMED.codigo].status, { 'Content-Type': 'application/problem+json' })
        .end(problemText(MALFORMED))
      return
    }
    void answer(incoming, outgoing)
  }
  const options = {
    maxHeaderSize: HEADERS_BYTES_MAX,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    // Node's own answer would be a bare 400; `isAddressed` asks for one.
    requireHostHeader: false,
  }
  const server = createServer({ ...options, keepAliveTimeout: KEEP_ALIVE_MS, ServerResponse: TracedResponse }, listener)
  // Node's own answer would be a bare 417; a server may ignore what it does not know (RFC 9110 section 10.1.1).
  server.on('checkExpectation', listener)
  server.timeout = SILENCE_MS
  server.on('clientError', parseErrors.answer)
  await listen(server, port, hostname)
  server.on('error', (error) => log.error({ err: error }, 'http server'))

  const leave = (): void => {
    door.leaving = true
  }
  let stopping: Promise<void> | undefined
  return {
    port: (server.address() as AddressInfo).port,
    leave,
    stop: (deadlineMs) => {
      leave()
      stopping ??= close(server, deadlineMs, log)
      return stopping
    },
  }
}

/** A body that nobody reads, as a GET's, would wait in memory, 64 KiB of it, for as long as its answer takes: a live stream's for hours. */
const isUnasked = ({ method, headers }: IncomingMessage): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)

function listen(server: Server, port: number, hostname: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, hostname, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function close(server: Server, deadlineMs: number, log: Logger): Promise<void> {
  // http's own close() also cuts idle connections at once (since Node 19), see IDLE_LINGER_MS.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
  const linger = setTimeout(() => server.closeIdleConnections(), Math.min(IDLE_LINGER_MS, deadlineMs))
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_LINGER_MS * 2)
  const cut = setTimeout(() => {
    log.warn('requests were still in flight at the deadline')
    server.closeAllConnections()
  }, deadlineMs)
  await closed
  clearTimeout(linger)
  clearInterval(sweep)
  clearTimeout(cut)
  // Ends http's own timer that looks for connections whose time is over.
  server.close()
}

const HOST = /^[A-Za-z0-9.:[\]_-]+$/
const TARGET = /^(?:\/|https?:\/\/)/

/**
 * Whether a request has one Host, and its target alone decides where it goes.
 *
 * node-server joins both as text before it parses them. A backslash in the Host began the path there and `?` cut the real one off;
 * `f://x/../../metrics` was completed to an address by a Host of digits. It takes 0.1 µs with ten headers.
 */
function isAddressed({ url = '', headers, rawHeaders }: IncomingMessage): boolean {
  if (!HOST.test(headers.host ?? '') || !TARGET.test(url)) return false
  let hosts = 0
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const name = rawHeaders[n] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  return hosts === 1
}

/** What node-server cannot even make a request of: a broken Host header, a broken absolute URL. */
function answerUnreadable(error: unknown, log: Logger): Response {
  if (error instanceof Error && error.name === 'RequestError') return problemAnswer(MALFORMED)
  log.error({ err: error }, 'internal error outside of the application')
  return problemAnswer({ codigo: 'erro-interno', detail: 'Ocorreu um erro interno.', instance: '/' })
}
