import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { CODIGOS } from '../codigos/codigos.ts'
import { type Problem, problemText } from './problem.ts'

/** All headers together, with an 8 KiB token in them. */
export const HEADERS_BYTES_MAX = 16 * 1024

/** The problem of a request that is no HTTP. */
export const MALFORMED: Problem = {
  codigo: 'requisicao-malformada',
  detail: 'A requisição não é HTTP válido.',
  instance: '/',
}

const OF_PARSE_ERROR: Readonly<Record<string, Problem>> = {
  HPE_HEADER_OVERFLOW: {
    codigo: 'cabecalhos-grandes-demais',
    detail: `Os cabeçalhos e o endereço podem ter no máximo ${HEADERS_BYTES_MAX} bytes.`,
    instance: '/',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    codigo: 'requisicao-lenta',
    detail: 'A requisição demorou demais.',
    instance: '/',
  },
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

type ParseErrors = {
  /** Told of every request whose headers were read. */
  seen: (outgoing: ServerResponse<IncomingMessage>) => void
  /** For the server's `clientError`. */
  answer: (error: NodeJS.ErrnoException, socket: Duplex) => void
}

/**
 * Answers bytes that are no HTTP. They never become a request, so the answer is written to the socket by hand.
 *
 * Never in the place of another: a client, or a proxy that keeps the connection, takes answers in the order of its requests. So what
 * is still at work on this connection is answered first; and a request that was refused before its broken body was read has had its
 * answer. Node's own handler writes its 400 in both cases.
 */
export function createParseErrors(): ParseErrors {
  const lastOf = new WeakMap<Duplex, ServerResponse<IncomingMessage>>()
  const waiting = new WeakSet<Duplex>()
  return {
    seen: (outgoing) => {
      lastOf.set(outgoing.req.socket, outgoing)
    },
    answer: (error, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) {
        socket.destroy()
        return
      }
      // Further broken bytes while an answer is waited for.
      if (waiting.has(socket)) return
      const last = lastOf.get(socket)
      const write = () => {
        if (socket.writable) socket.end(answerText(OF_PARSE_ERROR[error.code ?? ''] ?? MALFORMED))
      }
      if (last === undefined) write()
      else if (last.req.complete && !last.writableFinished) {
        waiting.add(socket)
        last.once('close', write)
      } else if (!last.req.complete && (last.headersSent || last.socket === null)) {
        // Answered already, or not its turn yet: what is written is sent, and nothing more.
        socket.end()
      } else write()
    },
  }
}

function answerText(problem: Problem): string {
  const body = problemText(problem)
  const { status } = CODIGOS[problem.codigo]
  return (
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Bad Request'}\r\nContent-Type: application/problem+json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  )
}
