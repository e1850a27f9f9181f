import { setTimeout as delay } from 'node:timers/promises'

/** One event as a client of Server-Sent Events got it, and when (`performance.now()`). */
type SseEvent = { id: string; event: string; data: Record<string, unknown>; at: number }

/** A client of Server-Sent Events: reads what comes, and comes back with `Last-Event-ID` when it is cut off. */
export function createSseClient(addresses: () => string, headers: Record<string, string> = {}) {
  const heard: SseEvent[] = []
  const lines: string[] = []
  const stop = new AbortController()
  let last = ''
  let openings = 0
  let status = 0

  const listen = async (): Promise<void> => {
    const answer = await fetch(addresses(), {
      headers: { ...headers, ...(last !== '' && { 'last-event-id': last }) },
      signal: stop.signal,
    })
    status = answer.status
    if (answer.status !== 200 || answer.body === null) return
    openings += 1
    let rest = ''
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split('\n\n')
      rest = parts.pop() ?? ''
      for (const part of parts) receive(part)
    }
  }
  const receive = (part: string): void => {
    lines.push(...part.split('\n'))
    const fields = new Map(
      part.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    )
    const id = fields.get('id')
    if (id === undefined) return
    last = id
    const data = fields.get('data')
    // An id without data says where the stream began.
    if (data === undefined) return
    const at = performance.now()
    heard.push({ id, event: fields.get('event') ?? '', data: JSON.parse(data) as Record<string, unknown>, at })
  }
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await listen().catch(() => {})
      await delay(20, undefined, { signal: stop.signal }).catch(() => {})
    }
  }
  const running = run()
  return {
    heard,
    lines,
    openings: () => openings,
    status: () => status,
    close: async () => {
      stop.abort()
      await running
    },
  }
}

export type SseClient = ReturnType<typeof createSseClient>
