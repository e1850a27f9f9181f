import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createReadyCounter } from '@fluxo/shared/postgres/protocol'
import { createDirection, type Direction, type Shape } from './wire.ts'

/** A wire between clients and a server that tests can break where it hurts: after the request, before the reply. */
export type CuttingProxy = {
  port: number
  /**
   * The next bytes from the server are thrown away and that client is cut off: the command was executed, its reply is
   * lost. With `of`, the reply of the next request on a connection whose first bytes hold that text; with `speaks:
   * 'postgres'` it is lost once the server is through with it, so what it wrote is committed.
   */
  loseNextReply(of?: string): void
  /** Whether a reply is still waiting to be lost. */
  armed(): boolean
  /** Cuts every client off and refuses new ones until `heal`: with a reset, or by closing in good order. */
  refuse(how?: 'close' | 'reset'): void
  /**
   * Half open: nothing passes on the connections there are, for ever, and neither end hears of the other's end. New ones
   * are accepted and as silent until `heal`.
   */
  silence(): void
  /** How bytes travel from now on. */
  shape(shape: Shape): void
  /** Ends every connection with a reset. */
  reset(): void
  /** As at the start, for new connections and those that were not silenced. */
  heal(): void
  /** Ends what was silenced, as a system does that has noticed at last. */
  forget(): void
  stop(): Promise<void>
}

type CuttingProxyOptions = {
  /** Ports of this machine to connect to, tried in turn; each connection begins with the next one. */
  targets: () => readonly number[]
  /** Whose protocol the servers speak, where `loseNextReply` must know when a statement is over. */
  speaks?: 'postgres'
}

type Link = {
  client: Socket
  upstream: Socket | undefined
  hello: string
  silent: boolean
  /** The server has said something that was an answer. */
  open: boolean
  cutting: boolean
  toServer: Direction | undefined
}

/** Bytes kept of what a client says first: a startup packet of PostgreSQL has some 200. */
const HELLO_BYTES_MAX = 1_024

const connectFirst = async (ports: readonly number[], from: number): Promise<Socket | undefined> => {
  for (let i = 0; i < ports.length; i += 1) {
    const port = ports[(from + i) % ports.length]
    if (port === undefined) continue
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return socket
    } catch {
      socket.destroy()
    }
  }
  return undefined
}

type State = {
  shape: Shape
  lose: { of: string } | undefined
  refusing: 'close' | 'reset' | undefined
  silent: boolean
}

const calm = (): State => ({ shape: {}, lose: undefined, refusing: undefined, silent: false })

/** The connections of a proxy, each doing what `state` says. */
const createLinks = (state: State, { targets, speaks }: CuttingProxyOptions) => {
  const links = new Set<Link>()
  let accepted = 0

  const cut = (link: Link, how: 'close' | 'reset'): void => {
    for (const socket of [link.client, link.upstream]) {
      if (how === 'reset') socket?.resetAndDestroy()
      else socket?.destroy()
    }
    links.delete(link)
  }
  const fromServer = (link: Link, upstream: Socket): void => {
    const toClient = createDirection(upstream, link.client, () => state.shape)
    const countReady = speaks === 'postgres' ? createReadyCounter() : () => 1
    upstream.on('data', (bytes: Buffer) => {
      const ready = countReady(bytes) > 0
      if (link.silent) return
      const now = state.lose?.of === ''
      if (now) state.lose = undefined
      if (now || (link.cutting && ready)) cut(link, 'close')
      else if (!link.cutting) toClient.push(bytes)
      link.open ||= ready
    })
    upstream.on('error', () => {})
    upstream.on('close', () => {
      if (link.silent) return
      links.delete(link)
      toClient.afterAll(() => link.client.destroy())
    })
    link.client.on('close', () => {
      toClient.drop()
      if (!link.silent) upstream.destroy()
    })
  }
  const fromClient = (link: Link, bytes: Buffer): void => {
    if (link.silent) return
    if (link.hello.length < HELLO_BYTES_MAX) link.hello += bytes.toString('latin1')
    // Until the server is ready for them, there are no requests.
    if (link.open && state.lose && state.lose.of !== '' && link.hello.includes(state.lose.of)) {
      state.lose = undefined
      link.cutting = true
    }
    link.toServer?.push(bytes)
  }
  const accept = async (client: Socket): Promise<void> => {
    const { silent } = state
    const link: Link = {
      client,
      upstream: undefined,
      hello: '',
      silent,
      open: false,
      cutting: false,
      toServer: undefined,
    }
    links.add(link)
    client.on('error', () => {})
    client.on('close', () => {
      if (!link.silent) links.delete(link)
    })
    if (silent) {
      client.resume()
      return
    }
    accepted += 1
    const upstream = await connectFirst(targets(), accepted)
    if (upstream === undefined || client.destroyed) {
      client.resetAndDestroy()
      upstream?.destroy()
      return
    }
    link.upstream = upstream
    link.toServer = createDirection(client, upstream, () => state.shape)
    fromServer(link, upstream)
    client.on('data', (bytes: Buffer) => fromClient(link, bytes))
  }
  return {
    accept,
    silence: () => {
      for (const link of links) link.silent = true
    },
    cutAll: (how: 'close' | 'reset', which: 'all' | 'silent' | 'speaking'): void => {
      const silent = which === 'silent'
      for (const link of [...links].filter((one) => which === 'all' || one.silent === silent)) cut(link, how)
    },
  }
}

/** Forwards a free port of this machine. `target` is a port, or several with options. Test tool. */
export async function startCuttingProxy(target: number | CuttingProxyOptions): Promise<CuttingProxy> {
  const state = calm()
  const links = createLinks(state, typeof target === 'number' ? { targets: () => [target] } : target)
  const server = createServer({ noDelay: true }, (client) => {
    if (state.refusing === undefined) void links.accept(client)
    else if (state.refusing === 'reset') client.resetAndDestroy()
    else client.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    loseNextReply: (of = '') => {
      state.lose = { of }
    },
    armed: () => state.lose !== undefined,
    refuse: (how = 'close') => {
      state.refusing = how
      links.cutAll(how, 'speaking')
    },
    silence: () => {
      state.silent = true
      links.silence()
    },
    shape: (shape) => {
      state.shape = shape
    },
    reset: () => links.cutAll('reset', 'speaking'),
    heal: () => {
      Object.assign(state, calm())
    },
    forget: () => links.cutAll('reset', 'silent'),
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      links.cutAll('close', 'all')
      await closed
    },
  }
}
