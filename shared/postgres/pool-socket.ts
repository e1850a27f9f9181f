import { type NetConnectOpts, Socket } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { countRequests, createReadyCounter, findFirstMessage } from './protocol.ts'
import { CONSENT, SSL_REQUEST, TlsRefused } from './tls.ts'

type Send = (bytes: Buffer, ...others: unknown[]) => boolean

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
 * Under TLS it asks for TLS itself, and what goes through is what postgres.js says and hears: in clear, so all of this holds there too.
 * postgres.js is told of none, since with TLS of its own it would talk past this socket.
 */
export class PoolSocket extends Socket {
  #begun: boolean = false
  #open: boolean = false
  #failed: boolean = false
  /** How TLS is done, until the server has consented. */
  #wanted: ConnectionOptions | undefined
  #tls: TLSSocket | undefined
  /** Sends what postgres.js says; under TLS, holds it until the server has shown who it is. */
  #send: Send = () => false
  #requests = 0
  #owedSince: number | undefined
  #heardAt = performance.now()
  readonly #held: Buffer[] = []
  readonly #countReady = createReadyCounter()

  /** Connects, and asks for TLS where it is given. */
  open(address: NetConnectOpts, tls?: ConnectionOptions): this {
    this.connect(address)
    // Only now: `connect` puts Node's own `write` in the place of an overridden one.
    const write = this.write.bind(this)
    this.#send = (...sent) => Reflect.apply(write, this, sent)
    this.write = (bytes: unknown, ...others: unknown[]): boolean =>
      // Anything else is Node's own, below TLS.
      Buffer.isBuffer(bytes)
        ? this.#send(this.#sending(bytes), ...others)
        : Reflect.apply(write, this, [bytes, ...others])
    if (tls) {
      this.#wanted = tls
      this.#send = (bytes) => this.#held.push(bytes) > 0
      this.end = () => this.destroy()
      write(SSL_REQUEST)
    }
    // postgres.js writes with the next `setImmediate`, that is before this second one.
    setImmediate(() => setImmediate(() => this.#begun || this.destroy()))
    return this
  }

  /** Since when an answer is owed and nothing has arrived; undefined while none is. */
  get owedSince(): number | undefined {
    return this.#owedSince
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
    if (event === 'data' && Buffer.isBuffer(args[0])) {
      if (this.#wanted) {
        this.#secure(this.#wanted, args[0])
        return true
      }
      this.#received(args[0])
    } else if (event === 'error') {
      if (this.#open) return true
      this.#failed = true
    } else if (event === 'close') {
      const opening = this.#begun && !this.#open
      // What is wrong with a certificate is known here already, though TLS says so after this socket has closed.
      const refusal = this.#tls?.errored
      if (opening && !this.#failed) super.emit('error', refusal ? new TlsRefused(refusal) : new ClosedWhileOpening())
      return super.emit('close', opening)
    }
    return super.emit(event, ...args)
  }

  /** Puts TLS between the line and postgres.js, if the server's answer to the request is its consent. */
  #secure(wanted: ConnectionOptions, answer: Buffer): void {
    this.#wanted = undefined
    if (!answer.equals(CONSENT)) {
      this.destroy(new TlsRefused(new Error('the server does not offer it')))
      return
    }
    const tls = connect({ ...wanted, socket: this })
    this.#tls = tls
    tls.on('data', (bytes: Buffer) => this.emit('data', bytes))
    tls.on('drain', () => this.emit('drain'))
    // Told when this socket closes, which it does by that.
    tls.on('error', () => {})
    tls.once('secureConnect', () => {
      this.#send = (...sent) => Reflect.apply(tls.write, tls, sent)
      this.end = (...last: unknown[]) => {
        Reflect.apply(tls.end, tls, last)
        return this
      }
      for (const bytes of this.#held.splice(0)) tls.write(bytes)
    })
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
    return bytes.subarray(first?.at ?? 0)
  }

  #received(bytes: Buffer): void {
    this.#requests -= this.#countReady(bytes)
    if (this.#requests === 0) this.#open = true
    this.#heardAt = performance.now()
    this.#owedSince = this.#requests > 0 ? this.#heardAt : undefined
  }
}
