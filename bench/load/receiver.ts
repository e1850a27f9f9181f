// A receiver of webhooks that does nothing but count: answers 204 at once. `GET /contagem` says what came, and when.
import { createServer } from 'node:http'

const port = Number(process.env['PORT'])
const ids = new Set<string>()
let received = 0
let firstAt = 0
let lastAt = 0

const server = createServer((request, response) => {
  if (request.method !== 'POST') {
    const body = JSON.stringify({ received, different: ids.size, milliseconds: lastAt - firstAt })
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(body)
    return
  }
  lastAt = performance.now()
  if (received === 0) firstAt = lastAt
  received += 1
  ids.add(String(request.headers['webhook-id']))
  request.resume().on('end', () => response.writeHead(204).end())
}).listen(port, '127.0.0.1')
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close(() => process.exit(0))
    server.closeAllConnections()
  })
}
