import { createServer } from 'node:net'

/**
 * A TCP port of 127.0.0.1 that nobody listens on now.
 *
 * Another process may take it before its user binds it: who starts a server on it tries again with the next one.
 */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1' }, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })

/** Whether `port` can be bound now on `hostname` (all addresses when it is not given). */
export const portIsFree = (port: number, hostname?: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, ...(hostname === undefined ? {} : { host: hostname }) }, () => {
      server.close(() => resolve(true))
    })
  })
