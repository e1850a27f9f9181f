import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One message as a receiver of webhooks got it. */
export type Recebida = { path: string; headers: IncomingHttpHeaders; body: string; id: string }

/** What a receiver answers: a status, `nunca` for none at all, or headers beside the status. */
export type Resposta = number | 'nunca' | { status: number; headers?: Record<string, string>; body?: string }

/** A receiver of webhooks on a port of its own; what it answers can change at any time. */
export async function createReceptor(responder: (recebida: Recebida) => Resposta = () => 204) {
  const recebidas: Recebida[] = []
  const estado = { responder }
  const server = createServer((request, response) => {
    const partes: Buffer[] = []
    request.on('data', (parte: Buffer) => partes.push(parte))
    request.on('end', () => {
      const { headers, url: path = '' } = request
      const recebida = { path, headers, body: Buffer.concat(partes).toString(), id: String(headers['webhook-id']) }
      recebidas.push(recebida)
      const resposta = estado.responder(recebida)
      if (resposta === 'nunca') return
      const { status, headers: outros = {}, body = '' } = typeof resposta === 'number' ? { status: resposta } : resposta
      response.writeHead(status, outros).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/avisos`,
    recebidas,
    responder: (nova: (recebida: Recebida) => Resposta) => {
      estado.responder = nova
    },
    fechar: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type Receptor = Awaited<ReturnType<typeof createReceptor>>
