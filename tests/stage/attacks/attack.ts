import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Service } from '../services.ts'

/** Whom an attacker reaches: any instance of a service, and its own token. */
export type Target = {
  url: (service: Service) => string
  /** `Authorization` of the attacking merchant. */
  authorization: string
}

/** A merchant with a valid token who uses up what an instance has a fixed number of. */
export type Attack = {
  name: string
  /** One line for tables and documentation. */
  what: string
  /** Begins, and gives what ends it. It sends a bounded number of requests and ends by itself with its process. */
  begin: (target: Target) => Promise<() => Promise<void>>
}

type Connection = {
  outgoing: ClientRequest
  /** Resolves with the answer's head; undefined where the connection ends without one. */
  answer: Promise<IncomingMessage | undefined>
  /** Resolves when the connection has ended. */
  closed: Promise<void>
}

/** Opens requests on connections of their own; `close` ends all of them at once. */
const createConnections = ({ authorization }: Target) => {
  const agent = new Agent({ keepAlive: false })
  const open = new Set<ClientRequest>()
  return {
    /** A request whose body is still to be written; its answer is not read. */
    begin: (url: string, { headers = {}, ...options }: RequestOptions): Connection => {
      const outgoing = request(url, { agent, ...options, headers: { authorization, ...headers } })
      open.add(outgoing)
      const closed = new Promise<void>((resolve) => {
        outgoing.once('close', () => {
          open.delete(outgoing)
          resolve()
        })
      })
      const head = new Promise<IncomingMessage>((resolve) => {
        outgoing.once('response', (incoming) => resolve(incoming.on('error', () => {})))
      })
      const answer = Promise.race([head, closed.then(() => undefined)])
      outgoing.on('error', () => {})
      return { outgoing, answer, closed }
    },
    close: (): void => {
      for (const outgoing of open) outgoing.destroy()
      agent.destroy()
    },
  }
}

export type Connections = ReturnType<typeof createConnections>
type End = () => Promise<void>

/** What goes on over connections until its end, which cuts them off. */
export const overConnections =
  (begin: (connections: Connections, target: Target) => Promise<readonly End[]>): Attack['begin'] =>
  async (target) => {
    const connections = createConnections(target)
    const ends = await begin(connections, target)
    return async () => {
      connections.close()
      await Promise.all(ends.map((end) => end()))
    }
  }

/** Connections that one client opens at a time; all at once would measure the client. */
const BEGUN_AT_ONCE = 25
const BEGIN_PAUSE_MS = 15

/** Begins `count` loops, some at a time; what it gives ends all of them. */
export const many = async (count: number, begin: () => () => Promise<void>): Promise<() => Promise<void>> => {
  const ends: (() => Promise<void>)[] = []
  while (ends.length < count) {
    ends.push(begin())
    if (ends.length % BEGUN_AT_ONCE === 0) await delay(BEGIN_PAUSE_MS)
  }
  return async () => {
    await Promise.all(ends.map((end) => end()))
  }
}

/** Does `work` again and again, one after the other with a pause, until it is told to end; its failures are the attacker's. */
export const again = (pauseMs: number, work: () => Promise<unknown>): (() => Promise<void>) => {
  const end = new AbortController()
  const loop = async (): Promise<void> => {
    while (!end.signal.aborted) {
      await work().catch(() => {})
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pauseMs)
        end.signal.addEventListener('abort', () => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }
  const ended = loop()
  return async () => {
    end.abort()
    await ended
  }
}
