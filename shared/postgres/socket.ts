import type { Socket } from 'node:net'
import { PoolSocket } from './pool-socket.ts'
import type { Tls } from './tls.ts'

/** How often the sockets are looked at: a silent one is found this much later at most. */
const LOOK_EVERY_MS = 500

/** What postgres.js hands to the function that makes its sockets. */
type SocketAddress = { host: readonly string[]; port: readonly number[]; path?: string | false | null }

/**
 * Destroys idle sockets first: the callers of the busy ones retry at once, and must not get a socket that is about to be
 * closed.
 */
const bury = (sockets: readonly PoolSocket[]): void => {
  for (const socket of sockets) if (socket.owedSince === undefined) socket.destroy()
  // A timer, since a socket closes at the end of the event loop's turn.
  setTimeout(() => {
    for (const socket of sockets) socket.destroy()
  }, 1)
}

/**
 * Makes the sockets of one pool, and destroys those that are half open: something was sent, and nothing has come back for
 * `silentMs`. That must be longer than any statement may take (`statement_timeout`), since a long one is silent too.
 *
 * A host that vanished, or a firewall that forgot a connection, sends no sign; the system gives up after a quarter of an
 * hour, and postgres.js never does (#1089): the pool would send one statement after another to nobody. Where one
 * socket is found half open, those that received nothing since are destroyed too, so that each need not be found in turn.
 */
export const createSocketMaker = (silentMs: number, tls?: Tls): ((address: SocketAddress) => Socket) => {
  const watched = new Set<PoolSocket>()
  let timer: NodeJS.Timeout | undefined
  let lookedAt = 0
  let made = 0

  const look = (): void => {
    const now = performance.now()
    // After a time in which this process itself stood still, answers may be there unread: that time does not count as silence.
    const stoodStill = now - lookedAt > 2 * LOOK_EVERY_MS
    lookedAt = now
    let deadSince = Number.POSITIVE_INFINITY
    for (const socket of watched) {
      if (socket.destroyed) watched.delete(socket)
      else if (stoodStill) socket.forgive()
      else if (now - (socket.owedSince ?? now) >= silentMs) deadSince = Math.min(deadSince, socket.owedSince ?? now)
    }
    if (deadSince < now) bury([...watched].filter(({ heardAt }) => heardAt <= deadSince))
    if (watched.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return ({ host, port, path }) => {
    const at = made++ % host.length
    const address = { host: host[at] ?? 'localhost', port: port[at] ?? 5432 }
    const socket = path ? new PoolSocket().open({ path }) : new PoolSocket().open(address, tls?.(address.host))
    watched.add(socket)
    if (timer === undefined) {
      lookedAt = performance.now()
      timer = setInterval(look, LOOK_EVERY_MS).unref()
    }
    // postgres.js names the server by these in errors.
    return Object.assign(socket, address)
  }
}
