/** How far a client has been told: the `seq` of the last event that it got. */
export type SeenSeq = number

/** What a live event means for a client: send it, drop it (told already), or read what lies between from the database. */
export type StreamStep = 'send' | 'repeated' | 'gap'

/** `seq` has no gaps within a topic, so the number alone tells. */
export const streamStep = (sentThrough: SeenSeq, seq: number): StreamStep =>
  seq <= sentThrough ? 'repeated' : seq === sentThrough + 1 ? 'send' : 'gap'

/** One event as Server-Sent Events carry it. JSON has no line breaks, so one `data:` line is enough. */
export const frame = (seq: number, event: string, data: unknown): string =>
  `id: ${seq}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** A client that was cut off comes back after this. */
const RETRY_MS = 3_000

/** The first bytes of a stream. Where `start` is given a client that is cut off before its first event comes back with that as its `Last-Event-ID`. */
export const opening = (start?: SeenSeq): string =>
  start === undefined ? `retry: ${RETRY_MS}\n\n` : `retry: ${RETRY_MS}\nid: ${start}\n\n`

/** A comment, which clients ignore: it keeps proxies from closing a stream on which nothing happens. */
export const PING = ': ping\n\n'

/** The `Last-Event-ID` of a client that comes back; `undefined` where it is none of ours. */
export function pointOf(text: string): SeenSeq | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
