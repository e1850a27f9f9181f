import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createServerTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'

/** One message as a receiver of webhooks got it. */
export type ReceivedMessage = { path: string; headers: IncomingHttpHeaders; body: string; id: string }

/** What a receiver answers: a status, `nunca` for none at all, or headers beside the status, some time later. */
export type ReceiverAnswer =
  | number
  | 'nunca'
  | { status: number; headers?: Record<string, string>; body?: string; afterMs?: number }

/** A receiver of webhooks on a port of its own, over TLS with a certificate; what it answers can change at any time. */
export async function createReceiver(
  answerWith: (message: ReceivedMessage) => ReceiverAnswer = () => 204,
  certificate?: { cert: string; key: string },
) {
  const messages: ReceivedMessage[] = []
  const state = { answerWith }
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { headers, url: path = '' } = request
      const message = { path, headers, body: Buffer.concat(parts).toString(), id: String(headers['webhook-id']) }
      messages.push(message)
      const answer = state.answerWith(message)
      if (answer === 'nunca') return
      const {
        status,
        headers: others = {},
        body = '',
        afterMs = 0,
      } = typeof answer === 'number' ? { status: answer } : answer
      setTimeout(() => response.writeHead(status, others).end(body), afterMs).unref()
    })
  }
  const server = certificate === undefined ? createServer(handle) : createServerTls(certificate, handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const scheme = certificate === undefined ? 'http' : 'https'
  return {
    url: `${scheme}://127.0.0.1:${port}/avisos`,
    /** The same receiver, as another name or path. */
    at: (name: string, route = '/avisos') => `${scheme}://${name}:${port}${route}`,
    messages,
    connections: () => promisify(server.getConnections).call(server),
    answerWith: (next: (message: ReceivedMessage) => ReceiverAnswer) => {
      state.answerWith = next
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type WebhookReceiver = Awaited<ReturnType<typeof createReceiver>>
