import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A wire between a client and a server that tests can break where it hurts: after the request, before the reply. */
export type LossyProxy = {
  port: number
  /** The next bytes from the server are thrown away and that client is cut off: the command was executed, its reply is lost. */
  loseNextReply(): void
  /** Whether a reply is still waiting to be lost. */
  armed(): boolean
  /** Cuts every client off and refuses new ones until `heal`. */
  refuse(): void
  heal(): void
  stop(): Promise<void>
}

/** Forwards a free port of this machine to `targetPort`. Test tool. */
export async function startLossyProxy(targetPort: number): Promise<LossyProxy> {
  const sockets = new Set<Socket>()
  let lose = false
  let refusing = false
  const server = createServer((client) => {
    if (refusing) {
      client.destroy()
      return
    }
    const upstream = connect(targetPort, '127.0.0.1')
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    client.on('data', (bytes) => upstream.write(bytes))
    upstream.on('data', (bytes) => {
      if (!lose) {
        client.write(bytes)
        return
      }
      lose = false
      client.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    loseNextReply: () => {
      lose = true
    },
    armed: () => lose,
    refuse: () => {
      refusing = true
      cut()
    },
    heal: () => {
      refusing = false
    },
    stop: async () => {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}
