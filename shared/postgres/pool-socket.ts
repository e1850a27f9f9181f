import { type NetConnectOpts, Socket } from 'node:net'
import { countRequests, createReadyCounter, FIRST, findFirstMessage } from './protocol.ts'

class ClosedWhileOpening extends Error {
  readonly code = 'ECONNRESET'
  constructor() {
    super('PostgreSQL closed the connection while it was being opened')
    this.name = 'ClosedWhileOpening'
  }
}

/**
 * A socket for postgres.js 3.4.9 that knows whether it owes an answer, and hides from postgres.js what that does not survive:
 *
 * - Between a socket's `error` and its `close` the pool still hands statements to the connection, and after a `close`
 *   with an error it forgets them: their callers wait for ever. So an open connection only ever closes, without an error;
 *   postgres.js then rejects all it was asked (`CONNECTION_CLOSED`).
 * - A connection that closes while it is being opened is opened again at once, for ever, in a hot loop. So that is an error,
 *   and the pool's `backoff` paces it.
 * - Bytes that were about to be written at a `close` stay in the connection's buffer, and its timer counts as set for
 *   ever: the next connection writes nothing (until `connect_timeout`, several times over) and then begins with the old
 *   bytes. So a socket that was not written to at once closes until the buffer is flushed, and drops what is old.
 *
 * Plain TCP only: TLS talks past it, and everything is then as postgres.js has it.
 */
export class PoolSocket extends Socket {
  #begun: boolean = false
  #open: boolean = false
  #failed: boolean = false
  #tls: boolean = false
  #requests = 0
  #owedSince: number | undefined
  #heardAt = performance.now()
  readonly #countReady = createReadyCounter()

  /** Connects. */
  open(address: NetConnectOpts): this {
    this.connect(address)
    // Only now: `connect` puts Node's own `write` in the place of an overridden one.
    const write = this.write.bind(this)
    this.write = (bytes: unknown, ...others: unknown[]): boolean => {
      const sent = Buffer.isBuffer(bytes) ? this.#sending(bytes) : bytes
      return Reflect.apply(write, this, [sent, ...others])
    }
    // postgres.js writes with the next `setImmediate`, that is before this second one.
    setImmediate(() => setImmediate(() => this.#begun || this.destroy()))
    return this
  }

  /** Since when an answer is owed and nothing has arrived; undefined while none is. */
  get owedSince(): number | undefined {
    return this.#tls ? undefined : this.#owedSince
  }

  /** When bytes last arrived. */
  get heardAt(): number {
    return this.#heardAt
  }

  /** Begins to wait anew: for a process that itself stood still. */
  forgive(): void {
    if (this.#owedSince !== undefined) this.#owedSince = performance.now()
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'data' && !this.#tls && Buffer.isBuffer(args[0])) this.#received(args[0])
    else if (event === 'error') {
      if (this.#open) return true
      this.#failed = true
    } else if (event === 'close') {
      const opening = this.#begun && !this.#open
      if (opening && !this.#failed) super.emit('error', new ClosedWhileOpening())
      return super.emit('close', opening)
    }
    return super.emit(event, ...args)
  }

  #sending(bytes: Buffer): Buffer {
    this.#owedSince ??= performance.now()
    if (this.#begun) {
      this.#requests += countRequests(bytes)
      return bytes
    }
    this.#begun = true
    this.#requests = 1
    const first = findFirstMessage(bytes)
    this.#tls = first?.code === FIRST.tls
    return bytes.subarray(first?.at ?? 0)
  }

  #received(bytes: Buffer): void {
    this.#requests -= this.#countReady(bytes)
    if (this.#requests === 0) this.#open = true
    this.#heardAt = performance.now()
    this.#owedSince = this.#requests > 0 ? this.#heardAt : undefined
  }
}
