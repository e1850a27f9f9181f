/** Type and length of a message; the length counts itself, but not the type before it. */
const HEAD_BYTES = 5
const code = (letter: string): number => letter.charCodeAt(0)
const READY_FOR_QUERY = code('Z')
/** Sync, and a simple query, which is one too: each is answered with one ReadyForQuery. */
const ANSWERED_WITH_READY: ReadonlySet<number> = new Set([code('S'), code('Q')])

/** What a client's first message may be: the protocol's version 3.0, a request for TLS, or one to cancel. */
export const FIRST = { startup: 196_608, tls: 80_877_103, cancel: 80_877_102 } as const
const FIRST_CODES: ReadonlySet<number> = new Set(Object.values(FIRST))
const FIRST_HEAD_BYTES = 8

/** The last first message in `bytes`, which have no further message after it: its code, and where it begins. */
export const findFirstMessage = (bytes: Buffer): { at: number; code: number } | undefined => {
  for (let at = bytes.length - FIRST_HEAD_BYTES; at >= 0; at -= 1) {
    const found = bytes.readUInt32BE(at + 4)
    if (bytes.readUInt32BE(at) === bytes.length - at && FIRST_CODES.has(found)) return { at, code: found }
  }
  return undefined
}

/** How many ReadyForQuery the server owes for whole messages of a client. */
export const countRequests = (bytes: Buffer): number => {
  let requests = 0
  for (let at = 0; at + HEAD_BYTES <= bytes.length; at += 1 + bytes.readUInt32BE(at + 1))
    if (ANSWERED_WITH_READY.has(bytes[at] ?? 0)) requests += 1
  return requests
}

/**
 * Reads the server's side of a connection, in pieces as they arrive: gives for each how many ReadyForQuery ended in it. Such a
 * statement is over, and where it was no part of a transaction, committed.
 * Source: PostgreSQL, "Frontend/Backend Protocol", message formats.
 */
export const createReadyCounter = (): ((bytes: Buffer) => number) => {
  let head = Buffer.alloc(0)
  let skip = 0
  return (bytes) => {
    let ready = 0
    let at = 0
    while (at < bytes.length) {
      if (skip > 0) {
        const skipped = Math.min(skip, bytes.length - at)
        skip -= skipped
        at += skipped
        continue
      }
      let type = bytes[at]
      if (head.length === 0 && at + HEAD_BYTES <= bytes.length) {
        skip = bytes.readUInt32BE(at + 1) - 4
        at += HEAD_BYTES
      } else {
        const part = bytes.subarray(at, at + HEAD_BYTES - head.length)
        head = Buffer.concat([head, part])
        at += part.length
        if (head.length < HEAD_BYTES) break
        type = head[0]
        skip = head.readUInt32BE(1) - 4
        head = Buffer.alloc(0)
      }
      if (type === READY_FOR_QUERY) ready += 1
    }
    return ready
  }
}
