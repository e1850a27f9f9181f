import { get, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** Somebody who follows an order as a browser does: comes back with Last-Event-ID whenever the stream ends. */
export type Follower = {
  /** The `seq` of every event in the order in which it came, and when (milliseconds of `performance.now`). */
  told: readonly { seq: number; atMs: number }[]
  /** How often the stream was cut, and what it answered other than 200. */
  cuts: () => number
  refusals: readonly number[]
  stop: () => Promise<void>
}

/** Shorter than the 3 s that the stream asks for: the test has no time. */
const COME_BACK_MS = 200

export const follow = (url: string, path: string, token: string): Follower => {
  const told: { seq: number; atMs: number }[] = []
  const refusals: number[] = []
  let [cuts, running] = [0, true]
  let leave = (): void => {}

  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const last = told.at(-1)?.seq
      const headers = { authorization: `Bearer ${token}`, ...(last !== undefined && { 'last-event-id': String(last) }) }
      const sent = get(`${url}${path}`, { agent: false, headers }, (answer) => {
        if (answer.statusCode !== 200) refusals.push(answer.statusCode ?? 0)
        readFrames(answer, (seq) => told.push({ seq, atMs: performance.now() }))
        answer.once('close', resolve)
      })
      leave = () => sent.destroy()
      sent.once('error', () => resolve())
    })

  const following = (async () => {
    while (running) {
      await once()
      if (!running) break
      cuts += 1
      await delay(COME_BACK_MS)
    }
  })()
  return {
    told,
    cuts: () => cuts,
    refusals,
    stop: async () => {
      running = false
      leave()
      await following
    },
  }
}

const readFrames = (answer: IncomingMessage, tell: (seq: number) => void): void => {
  let text = ''
  answer.setEncoding('utf8').on('data', (part: string) => {
    text += part
    const frames = text.split('\n\n')
    text = frames.pop() ?? ''
    for (const frame of frames) {
      const seq = /^id: (\d+)$/m.exec(frame)?.[1]
      // A frame without data says where a stream began.
      if (seq !== undefined && /^data: /m.test(frame)) tell(Number(seq))
    }
  })
  answer.once('error', () => {})
}
