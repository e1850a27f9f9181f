import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, createClient } from '../stage/load.ts'
import type { World } from './world.ts'

/** What became of the requests of a time; attempts count, so a request that is repeated counts again. */
type Counts = {
  requests: number
  /** Answered 503, with the advice to come back. */
  refused: number
  /** Not answered: cut off, or not in time. */
  unanswered: number
}

type Request = Parameters<ReturnType<typeof createClient>['send']>[1]

/** A merchant's HTTP client as it should be written: it repeats what is safe to repeat until it knows. */
export type CarefulClient = {
  /** One attempt; undefined where there was no answer, or one that says "later". */
  attempt: (url: string, request: Request) => Promise<Answer | undefined>
  /** Sends the same request to one url after the other until one answers; undefined only after `stop`. */
  persist: (urls: readonly string[], request: Request) => Promise<Answer | undefined>
  authorization: (comerciante: string) => Promise<Record<string, string>>
  counts: () => Counts
  /** How long each answer took since the last call, in milliseconds. */
  takeTimes: () => number[]
  /** Notes what no client may ever see. */
  complain: (what: string) => void
  /** What was noted since the last call. */
  takeComplaints: () => string[]
  stop: () => void
}

const REQUEST_TIMEOUT_MS = 6_000
/** Retry-After is heeded up to a second, so that a round does not wait for its clients. */
const BACKOFF = { firstMs: 50, maxMs: 1_000 }
const COMPLAINTS_MAX = 20

export const createCarefulClient = (token: World['token']): CarefulClient => {
  const client = createClient({ timeoutMs: REQUEST_TIMEOUT_MS })
  const counts: Counts = { requests: 0, refused: 0, unanswered: 0 }
  const tokens = new Map<string, Promise<string>>()
  let complaints: string[] = []
  let times: number[] = []
  let over = false

  const complain = (what: string): void => {
    if (complaints.length < COMPLAINTS_MAX) complaints.push(what)
  }
  const attempt: CarefulClient['attempt'] = async (url, request) => {
    counts.requests += 1
    try {
      const answer = await client.send(url, request)
      times.push(answer.ms)
      if (answer.status !== 503 && answer.status !== 429) return answer
      counts.refused += 1
      if (answer.headers['retry-after'] === undefined) complain(`503 without Retry-After: ${answer.body}`)
    } catch {
      counts.unanswered += 1
    }
    return undefined
  }
  return {
    attempt,
    persist: async (urls, request) => {
      let backoffMs = BACKOFF.firstMs
      for (let at = 0; !over; at += 1) {
        const answer = await attempt(urls[at % urls.length] ?? '', request)
        if (answer !== undefined) return answer
        await delay(backoffMs * (0.5 + Math.random()))
        backoffMs = Math.min(backoffMs * 2, BACKOFF.maxMs)
      }
      return undefined
    },
    authorization: async (comerciante) => {
      const known = tokens.get(comerciante) ?? token(comerciante)
      tokens.set(comerciante, known)
      return { Authorization: `Bearer ${await known}` }
    },
    counts: () => ({ ...counts }),
    takeTimes: () => {
      const taken = times
      times = []
      return taken
    },
    complain,
    takeComplaints: () => {
      const taken = complaints
      complaints = []
      return taken
    },
    stop: () => {
      over = true
      client.close()
    },
  }
}
