import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export type Answer = { status: number; body: string; ms: number; headers: IncomingHttpHeaders }

const SOCKETS_MAX = 64
const REQUEST_TIMEOUT_MS = 30_000

/** A client with connections that stay open. `send` rejects where no answer came, `timeoutMs` without a byte at most. */
export const createClient = ({ timeoutMs = REQUEST_TIMEOUT_MS } = {}) => {
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX })
  const send = (url: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const began = performance.now()
      const { method = 'GET', headers = {}, body } = options
      const outgoing = request(url, { agent, method, headers, timeout: timeoutMs }, (incoming) => {
        let text = ''
        incoming.setEncoding('utf8')
        incoming.on('data', (chunk: string) => {
          text += chunk
        })
        incoming.on('error', reject)
        incoming.on('end', () => {
          const { statusCode: status = 0, headers } = incoming
          resolve({ status, body: text, ms: performance.now() - began, headers })
        })
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  return { send, close: () => agent.destroy() }
}

/** Calls `act` at a constant rate for a time, whether or not earlier calls have ended (an open loop); waits for all. */
export const atRate = async <T>(perSecond: number, seconds: number, act: (n: number) => Promise<T>): Promise<T[]> => {
  const total = Math.round(perSecond * seconds)
  const calls: Promise<T>[] = []
  const began = performance.now()
  while (calls.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1_000) * perSecond) + 1)
    while (calls.length < due) calls.push(act(calls.length))
    await delay(2)
  }
  return Promise.all(calls)
}
