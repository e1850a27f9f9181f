import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where a server of a test's own answers, without a slash at the end, and how to end it with all its connections. */
export type Listening = { url: string; stop: () => Promise<void> }

/** A server of a test's own on a free port of this machine. */
export const listen = async (listener: RequestListener): Promise<Listening> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
