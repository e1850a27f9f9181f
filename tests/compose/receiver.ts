import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

/** Runs in a container of its own: takes whatever is posted, and writes each request as a line of JSON. */
const PORT = 8443

const certificate = { key: readFileSync('/certs/tls.key'), cert: readFileSync('/certs/tls.crt') }
createServer(certificate, (request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (part: string) => {
    body += part
  })
  request.once('end', () => {
    const { host, 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers
    console.log(JSON.stringify({ host, path: request.url, id, timestamp, signature, body }))
    // A redirect into the stack is not followed.
    if (request.url === '/desvio')
      response.writeHead(302, { location: `https://interno.exemplo.com.br:${PORT}/` }).end()
    else response.writeHead(204).end()
  })
}).listen(PORT, '0.0.0.0', () => console.log('listening'))
