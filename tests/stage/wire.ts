import type { Socket } from 'node:net'

/** How bytes travel: each chunk waits `latencyMs`, and no more than `bytesPerSecond` pass. Undefined: at once. */
export type Shape = { latencyMs?: number | undefined; bytesPerSecond?: number | undefined }

/** Bytes that may wait in one direction before its sender is held back, as a network's own buffers do. */
const WAITING_BYTES_MAX = 256 * 1024

/** One direction of a connection. */
export type Direction = {
  /** Sends on, in order, as the shape says. */
  push: (bytes: Buffer) => void
  /** Calls `done` once everything pushed so far has been sent. */
  afterAll: (done: () => void) => void
  /** Forgets what waits. */
  drop: () => void
}

/** Sends what `from` gave to `to`, late or slowly where `shape` says so; holds `from` back while too much waits. */
export const createDirection = (from: Socket, to: Socket, shape: () => Shape): Direction => {
  let waiting: { bytes: Buffer; dueAt: number }[] = []
  let waitingBytes = 0
  let lineFreeAt = 0
  let timer: NodeJS.Timeout | undefined
  let idle: (() => void) | undefined

  const send = (bytes: Buffer): void => {
    if (to.write(bytes) || from.isPaused()) return
    from.pause()
    to.once('drain', () => from.resume())
  }
  const flush = (): void => {
    timer = undefined
    const now = performance.now()
    for (let first = waiting[0]; first && first.dueAt <= now; first = waiting[0]) {
      waiting.shift()
      waitingBytes -= first.bytes.length
      send(first.bytes)
    }
    if (waitingBytes < WAITING_BYTES_MAX && from.isPaused() && !to.writableNeedDrain) from.resume()
    schedule()
  }
  const schedule = (): void => {
    const first = waiting[0]
    if (first === undefined) idle?.()
    else timer ??= setTimeout(flush, Math.max(1, first.dueAt - performance.now()))
  }
  return {
    push: (bytes) => {
      const { latencyMs = 0, bytesPerSecond } = shape()
      const now = performance.now()
      const started = Math.max(now, lineFreeAt)
      lineFreeAt = bytesPerSecond === undefined ? now : started + (bytes.length / bytesPerSecond) * 1_000
      const dueAt = Math.max(lineFreeAt + latencyMs, waiting.at(-1)?.dueAt ?? 0)
      if (waiting.length === 0 && dueAt <= now) return send(bytes)
      waiting.push({ bytes, dueAt })
      waitingBytes += bytes.length
      if (waitingBytes >= WAITING_BYTES_MAX) from.pause()
      schedule()
    },
    afterAll: (done) => {
      if (waiting.length === 0) done()
      else idle = done
    },
    drop: () => {
      waiting = []
      waitingBytes = 0
      clearTimeout(timer)
      timer = undefined
    },
  }
}
