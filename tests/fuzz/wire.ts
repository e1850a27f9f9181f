import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** Names in lower case. */
type Headers = Readonly<Record<string, string | undefined>>

/** One answer as it came over the wire. */
export type Answer = { status: number; headers: Headers; body: string }

/** What a connection brought until it was closed. */
export type Exchange = { answers: Answer[] /** Bytes that are no answer. */; rest: number; ms: number; hung: boolean }

const HEAD_END = Buffer.from('\r\n\r\n')
/** A stream of events has no end: who has seen it begin leaves. */
const STREAM = /\r\ncontent-type: text\/event-stream/i
const STATUS_LINE = /^HTTP\/1\.1 (\d{3})/

/** Sends bytes as they are, pause after each piece, and reads until the other side closes. Never rejects. */
export const exchange = async (
  url: string,
  pieces: readonly Buffer[],
  { pauseMs = 0, halfClose = false, timeoutMs }: { pauseMs?: number; halfClose?: boolean; timeoutMs: number },
): Promise<Exchange> => {
  const { hostname, port } = new URL(url)
  const began = performance.now()
  const chunks: Buffer[] = []
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  const closed = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (STREAM.test(chunk.toString('latin1'))) resolve()
    })
    socket.on('error', () => resolve())
    socket.on('end', () => resolve())
    socket.on('close', () => resolve())
  })
  let hung = false
  const timer = setTimeout(() => {
    hung = true
    socket.destroy()
  }, timeoutMs)
  for (const [i, piece] of pieces.entries()) {
    if (i > 0 && pauseMs > 0) await Promise.race([delay(pauseMs), closed])
    if (socket.destroyed || socket.writableEnded) break
    socket.write(piece)
  }
  if (halfClose) socket.end()
  await closed
  clearTimeout(timer)
  socket.destroy()
  return { ...answersIn(Buffer.concat(chunks)), ms: performance.now() - began, hung }
}

/** Cuts what came into answers. */
const answersIn = (bytes: Buffer): { answers: Answer[]; rest: number } => {
  const answers: Answer[] = []
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf(HEAD_END, at)
    const head = end === -1 ? '' : bytes.toString('latin1', at, end)
    const status = Number(STATUS_LINE.exec(head)?.[1])
    if (Number.isNaN(status)) break
    const headers = headersOf(head)
    const from = end + HEAD_END.length
    const { body, next } =
      headers['transfer-encoding'] === 'chunked' ? chunked(bytes, from) : sized(bytes, from, status, headers)
    at = next
    if (status >= 200) answers.push({ status, headers, body })
  }
  return { answers, rest: bytes.length - at }
}

const headersOf = (head: string): Headers =>
  Object.fromEntries(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )

const sized = (bytes: Buffer, from: number, status: number, headers: Headers) => {
  const length =
    status === 204 || status === 304 || status < 200 ? 0 : Number(headers['content-length'] ?? bytes.length - from)
  return { body: bytes.toString('utf8', from, from + length), next: Math.min(bytes.length, from + length) }
}

const chunked = (bytes: Buffer, from: number) => {
  const parts: Buffer[] = []
  let at = from
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const size = lineEnd === -1 ? Number.NaN : Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(size)) return { body: Buffer.concat(parts).toString('utf8'), next: bytes.length }
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
    if (size === 0) return { body: Buffer.concat(parts).toString('utf8'), next: Math.min(bytes.length, at) }
  }
}
