import type { Random } from '../stage/random.ts'
import type { Case, CaseClass, Request } from './case.ts'

type RawCase = Pick<Case, 'pieces' | 'beside' | 'answersMax'> & Partial<Case>

const HEADERS_MANY = 10_000
const PIECES = 5
const PAUSE_MS = 60
const PIPELINE = 5

/** Whatever HTTP itself can refuse. */
const REFUSALS = [400, 404, 405, 408, 411, 413, 414, 415, 417, 422, 431, 501, 505] as const

const head = ({ method, target, headers }: Request, more: string): string =>
  `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}${more}\r\n`
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

/** The classes that are about the bytes of HTTP rather than about what they say. */
export const rawCase = (chosen: CaseClass, request: Request, random: Random): RawCase => {
  switch (chosen) {
    case 'headers':
      return headersCase(request, random)
    case 'many-headers':
      return manyHeaders(request, random)
    case 'slow':
      return slow(request, random)
    case 'pipelined':
      return pipelined(request, random)
    case 'smuggled':
      return smuggled(request, random)
    default:
      return noise(random)
  }
}

const bodyLines = ({ body }: Request): string => (body === undefined ? '' : `Content-Length: ${body.length}\r\n`)
const withBody = (text: string, { body }: Request): Buffer[] => [Buffer.concat([latin1(text), body ?? Buffer.alloc(0)])]

const headersCase = (request: Request, random: Random): RawCase => {
  const line = random.pick([
    'X-Request-Id: a\0b',
    'X-Request-Id: a\rb',
    `X-Request-Id: ${'x'.repeat(1_000)}`,
    'X Bad: 1',
    ': empty',
    'No-Colon',
    'X-A: \xff\xfe',
    ' X-Folded: 1',
    'X-A: 1\r\n folded',
    'Host: outro.example',
    'Content-Type: text/plain',
    'Idempotency-Key: "aberta',
    `Idempotency-Key: ${'k'.repeat(256)}`,
    'Idempotency-Key: \xe7',
    'traceparent: 00-zz-zz-01',
    'Accept: ../../etc/passwd',
    'Accept-Encoding: gzip;q=zz',
    'If-None-Match: "a", W/"b", *',
    'Fluxo-Posicao: -1:x',
    'Fluxo-Posicao: 0:99999999999999999999',
    'Prefer: wait=1e9',
    'Expect: 100-continue',
    'Expect: 200-ok',
    'Upgrade: websocket\r\nConnection: Upgrade',
    'Range: bytes=0-',
    'Authorization: Bearer outro',
    '__proto__: 1',
  ])
  const text = head(request, `Connection: close\r\n${line}\r\n${bodyLines(request)}`)
  return { pieces: withBody(text, request), beside: REFUSALS, answersMax: 1 }
}

const manyHeaders = (request: Request, random: Random): RawCase => {
  const many = random.pick([
    Array.from({ length: HEADERS_MANY }, (_, i) => `X-${i}: ${i}\r\n`).join(''),
    'X-A: 1\r\n'.repeat(HEADERS_MANY),
    `X-A: ${'x'.repeat(200_000)}\r\n`,
    `Cookie: ${'a=1; '.repeat(20_000)}\r\n`,
  ])
  return {
    pieces: withBody(head(request, `Connection: close\r\n${many}${bodyLines(request)}`), request),
    beside: REFUSALS,
    answersMax: 1,
    // The refusal may be lost: it is sent while we still send, and then the connection is reset.
    mayBeCut: true,
  }
}

const slow = (request: Request, random: Random): RawCase => {
  const [whole = Buffer.alloc(0)] = withBody(head(request, `Connection: close\r\n${bodyLines(request)}`), request)
  const size = Math.ceil(whole.length / PIECES)
  const pieces = Array.from({ length: PIECES }, (_, i) => whole.subarray(i * size, (i + 1) * size))
  if (random.chance(0.5)) return { pieces, pauseMs: PAUSE_MS, beside: [], answersMax: 1 }
  // The sender leaves in the middle.
  return {
    pieces: pieces.slice(0, 3),
    pauseMs: PAUSE_MS,
    halfClose: true,
    beside: REFUSALS,
    answersMax: 1,
    mayBeCut: true,
  }
}

const NO_HTTP = latin1('nada disso\r\n\r\n')

const pipelined = (request: Request, random: Random): RawCase => {
  const one = Buffer.concat([latin1(head(request, bodyLines(request))), request.body ?? Buffer.alloc(0)])
  const last = Buffer.concat([
    latin1(head(request, `Connection: close\r\n${bodyLines(request)}`)),
    request.body ?? Buffer.alloc(0),
  ])
  return {
    pieces: [Buffer.concat([...Array.from({ length: PIPELINE - 1 }, () => one), random.chance(0.2) ? NO_HTTP : last])],
    beside: [400],
    answersMax: PIPELINE,
  }
}

/** A second request that must never be answered as one. */
const HIDDEN = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

const smuggled = (request: Request, random: Random): RawCase => {
  const chunked = `0\r\n\r\n${HIDDEN}`
  const more = random.pick([
    `Content-Length: ${chunked.length}\r\nTransfer-Encoding: chunked\r\n`,
    `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n`,
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
    'Transfer-Encoding: xchunked\r\n',
    'Transfer-Encoding : chunked\r\n',
    'Transfer-Encoding: \x0bchunked\r\n',
    'Transfer-Encoding: chunked, identity\r\n',
    'X: 1\nTransfer-Encoding: chunked\r\n',
    `Content-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n`,
    'Content-Length: -1\r\n',
    'Content-Length: +5\r\n',
    'Content-Length: 0x10\r\n',
    'Content-Length: 5, 5\r\n',
    'Content-Length: 99999999999999999999\r\n',
    'Content-Length:\r\n 5\r\n',
  ])
  // Without a token it is refused before its broken body is read.
  const headers = request.headers.filter(([name]) => name !== 'Authorization' || random.chance(0.7))
  const text = head({ ...request, headers, method: 'POST' }, `Connection: close\r\n${more}`)
  return {
    pieces: [latin1(`${text}${chunked}`)],
    halfClose: true,
    beside: [...REFUSALS, 401],
    answersMax: 1,
    mayBeCut: true,
  }
}

const noise = (random: Random): RawCase => {
  const bytes = random.pick([
    () => Buffer.from(Array.from({ length: 200 }, () => random.int(0, 255))),
    () => latin1('GET / HTTP/9.9\r\n\r\n'),
    () => latin1('GET /\r\n\r\n'),
    () => latin1('\r\n\r\n\r\n'),
    () => latin1('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
    () => latin1('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    () => latin1('CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\n\r\n'),
    () => latin1('TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    () => latin1('OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    () => latin1('get /lancamentos http/1.1\r\nhost: localhost\r\n\r\n'),
    () => latin1(`${'A'.repeat(100_000)} / HTTP/1.1\r\n\r\n`),
    () => latin1('GET / HTTP/1.1\r\nConnection: close\r\n\r\n'),
    () => latin1('GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'),
    () => latin1('GET http://[::1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    () => latin1('*1\r\n$4\r\nPING\r\n'),
    () => latin1('DELETE /lancamentos HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    () => latin1('PATCH /consolidado/2025-10-15 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
  ])()
  return { pieces: [bytes], halfClose: true, beside: [...REFUSALS, 401, 200, 204], answersMax: 2, mayBeCut: true }
}
