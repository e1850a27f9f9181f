import { Agent, type IncomingHttpHeaders, type RequestOptions, request } from 'node:http'

export type Answer = { status: number; headers: IncomingHttpHeaders; text: string }

export type Client = {
  /** One request, never repeated here. Rejects where no answer came. */
  send: (method: string, path: string, options?: SendOptions) => Promise<Answer>
  close: () => void
}

type SendOptions = { token?: string; headers?: Record<string, string>; body?: string | Buffer }

/** Longer than nginx takes to give up on every instance. */
const ANSWER_TIMEOUT_MS = 40_000
/** Shorter than nginx keeps a connection, so that it is we who close idle ones. */
const IDLE_MS = 10_000
const SOCKETS_MAX = 256

/** A client as a careful merchant has one: kept connections, bounded, and a timeout on every request. */
export const createClient = (baseUrl: string): Client => {
  const { hostname, port } = new URL(baseUrl)
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX, timeout: IDLE_MS, scheduling: 'lifo' })
  return {
    send: (method, path, { token, headers = {}, body } = {}) => {
      const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
      const all = { ...authorization, ...length, ...headers }
      return exchange({ agent, hostname, port, method, path, headers: all }, body)
    },
    close: () => agent.destroy(),
  }
}

const exchange = (options: RequestOptions, body: string | Buffer | undefined): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(options, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
      })
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
      answer.once('error', reject)
    })
    sent.setTimeout(ANSWER_TIMEOUT_MS, () => sent.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)))
    sent.once('error', reject)
    sent.end(body)
  })

export const JSON_BODY = { 'content-type': 'application/json' }
