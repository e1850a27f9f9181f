import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createServerTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'

/** One message as a receiver of webhooks got it. */
export type Recebida = { path: string; headers: IncomingHttpHeaders; body: string; id: string }

/** What a receiver answers: a status, `nunca` for none at all, or headers beside the status, some time later. */
export type Resposta =
  | number
  | 'nunca'
  | { status: number; headers?: Record<string, string>; body?: string; depoisMs?: number }

/** A receiver of webhooks on a port of its own, over TLS with a certificate; what it answers can change at any time. */
export async function createReceptor(
  responder: (recebida: Recebida) => Resposta = () => 204,
  certificado?: { cert: string; key: string },
) {
  const recebidas: Recebida[] = []
  const estado = { responder }
  const atender = (request: IncomingMessage, response: ServerResponse): void => {
    const partes: Buffer[] = []
    request.on('data', (parte: Buffer) => partes.push(parte))
    request.on('end', () => {
      const { headers, url: path = '' } = request
      const recebida = { path, headers, body: Buffer.concat(partes).toString(), id: String(headers['webhook-id']) }
      recebidas.push(recebida)
      const resposta = estado.responder(recebida)
      if (resposta === 'nunca') return
      const {
        status,
        headers: outros = {},
        body = '',
        depoisMs = 0,
      } = typeof resposta === 'number' ? { status: resposta } : resposta
      setTimeout(() => response.writeHead(status, outros).end(body), depoisMs).unref()
    })
  }
  const server = certificado === undefined ? createServer(atender) : createServerTls(certificado, atender)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const esquema = certificado === undefined ? 'http' : 'https'
  return {
    url: `${esquema}://127.0.0.1:${port}/avisos`,
    /** The same receiver, as another name or path. */
    em: (nome: string, caminho = '/avisos') => `${esquema}://${nome}:${port}${caminho}`,
    recebidas,
    conexoes: () => promisify(server.getConnections).call(server),
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
