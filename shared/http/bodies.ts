import type { IncomingMessage } from 'node:http'
import { DomainError, Unavailable } from '../errors.ts'
import { createShares, type Shares } from '../shares.ts'

const MIB = 1024 * 1024

/** What an instance holds of bodies at a time: eight of the largest batches, a quarter of what the heap may have. */
const HELD_BYTES_MAX = 64 * MIB
/** What one merchant may have of that: two of the largest batches, or 256 single entries that come at once. */
const HELD_BYTES_OF_ONE_MAX = 16 * MIB
/** A body that is held must be whole by then: 8 MiB at 93 kB/s. Who is slower sends smaller batches, or an import, which is not held. */
const WHOLE_MS = 90_000
/** It is looked for late ones so often in that time, by one timer for all: one for each body would cost a request 1 µs. */
const LOOKS = 8
/** What a body without a declared length is given first; it doubles from there. */
const FIRST_BYTES = 64 * 1024
const RETRY_AFTER_SECONDS = 2

export type BodyLimits = {
  /** A body above this is refused. */
  bytesMax: number
  /** What it counts at least: what its content becomes may be much larger. */
  countsAtLeast?: number
}

type Arrival = { owner: string; declared: number | undefined; limits: BodyLimits }

/** A body on its way to be whole. It counts from the first moment, by the length that it declares, until `release`. */
type Held = {
  /** Resolves with all of it. Rejects with what refuses it: too large, no room, too slow, or it broke off. */
  gather(source: IncomingMessage | AsyncIterable<Uint8Array>): Promise<Buffer>
  release(): void
}

export type Bodies = {
  /** Makes room for a body, or throws `corpo-grande-demais` (413) or `corpos-demais` (503). */
  hold(arrival: Arrival): Held
  /** Bytes that count at the moment. */
  held(): number
}

const tooLarge = (bytesMax: number) =>
  new DomainError('corpo-grande-demais', `O corpo pode ter no máximo ${bytesMax} bytes.`)
const noRoom = () =>
  new Unavailable('corpos-demais', 'Há corpos demais a caminho. Espere que os seus terminem.', RETRY_AFTER_SECONDS)
const tooSlow = (wholeMs: number) =>
  new DomainError('requisicao-lenta', `O corpo não chegou inteiro em ${wholeMs / 1000} s.`)
const interrupted = () => new DomainError('requisicao-interrompida', 'O corpo não chegou inteiro.')

/** What all bodies of a process have in common. */
type Room = { shares: Shares; watch: Watch }

/**
 * Holds the bodies that are in memory at a time to a number of bytes, and each merchant to its share of it.
 *
 * A declared length counts before a byte of it has come, so that whoever is let in can also finish, and many unfinished bodies take
 * no more than their merchant's share. Memory is taken as the bytes come, and in one piece: bytes that come one by one cost no more.
 */
export function createBodies({
  bytesMax = HELD_BYTES_MAX,
  wholeMs = WHOLE_MS,
}: {
  bytesMax?: number
  wholeMs?: number
} = {}): Bodies {
  const shares = createShares({ max: bytesMax, ownerMax: HELD_BYTES_OF_ONE_MAX })
  const room = { shares, watch: createWatch(wholeMs) }
  return { held: shares.taken, hold: (arrival) => new Body(room, arrival) }
}

/** A class, since each request makes one: ten functions of its own instead took 1 kB and 1 µs. */
class Body implements Held {
  readonly #room: Room
  readonly #arrival: Arrival
  #counted: number
  #whole: Buffer | undefined
  #bytes = 0

  constructor(room: Room, arrival: Arrival) {
    const { owner, declared, limits } = arrival
    if (declared !== undefined && declared > limits.bytesMax) throw tooLarge(limits.bytesMax)
    this.#room = room
    this.#arrival = arrival
    this.#counted = Math.max(declared ?? Math.min(FIRST_BYTES, limits.bytesMax), limits.countsAtLeast ?? 0)
    if (!room.shares.take(owner, this.#counted)) throw noRoom()
  }

  gather(source: IncomingMessage | AsyncIterable<Uint8Array>): Promise<Buffer> {
    return 'complete' in source ? this.#listen(source) : this.#iterate(source)
  }

  release(): void {
    this.#room.shares.give(this.#arrival.owner, this.#counted)
  }

  /** Puts a piece where it belongs, in the room that there is; a body that comes in one piece is not copied. */
  #add(piece: Buffer): void {
    const from = this.#bytes
    this.#bytes += piece.length
    const capacity = this.#capacityFor(this.#bytes)
    if (this.#whole === undefined) {
      this.#whole = piece
      return
    }
    if (this.#bytes > this.#whole.length) {
      // Not from the pool, and not filled: the system gives the pages when they are written to.
      const larger = Buffer.allocUnsafeSlow(capacity)
      this.#whole.copy(larger, 0, 0, from)
      this.#whole = larger
    }
    this.#whole.set(piece, from)
  }

  #capacityFor(bytes: number): number {
    const { owner, declared, limits } = this.#arrival
    if (declared !== undefined) return declared
    if (bytes > limits.bytesMax) throw tooLarge(limits.bytesMax)
    if (bytes > this.#counted) {
      const more = Math.min(limits.bytesMax, Math.max(bytes, this.#counted * 2)) - this.#counted
      if (!this.#room.shares.take(owner, more)) throw noRoom()
      this.#counted += more
    }
    return this.#counted
  }

  #gathered(): Buffer {
    if (this.#whole === undefined) return Buffer.alloc(0)
    return this.#whole.length === this.#bytes ? this.#whole : this.#whole.subarray(0, this.#bytes)
  }

  async #iterate(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
    for await (const piece of stream) this.#add(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))
    return this.#gathered()
  }

  /**
   * Gathers a Node request with plain listeners, as node-server's own fast path does; that one has no limit, and its text decoder
   * replaces invalid UTF-8 in silence. An async iterator would cost some 10 µs here.
   */
  #listen(incoming: IncomingMessage): Promise<Buffer> {
    const { watch } = this.#room
    return new Promise((resolve, reject) => {
      const giveUp = (error: unknown): void => {
        watch.delete(one)
        // Nothing more is gathered; node-server reads on for a moment and drops it, so that the answer arrives.
        incoming.off('data', onData).pause()
        reject(error)
      }
      const one = watch.add(giveUp)
      const onData = (piece: Buffer): void => {
        try {
          this.#add(piece)
        } catch (error) {
          giveUp(error)
        }
      }
      incoming.on('data', onData)
      incoming.on('end', () => {
        watch.delete(one)
        resolve(this.#gathered())
      })
      incoming.on('close', () => {
        // Comes after 'end' too, where an error would be made for nothing: its stack alone costs 10 µs.
        if (incoming.readableEnded) return
        watch.delete(one)
        reject(interrupted())
      })
      if (incoming.readableEnded || incoming.destroyed) {
        watch.delete(one)
        reject(interrupted())
      }
    })
  }
}

/** A body of which something is still to come, the look at which it began, and its place among the others. */
type Arriving = { since: number; giveUp: (error: Error) => void; at: number }
type Watch = { add(giveUp: Arriving['giveUp']): Arriving; delete(one: Arriving): void }

/** Gives up on whoever is not whole after `wholeMs`, an eighth of that later at most. */
function createWatch(wholeMs: number): Watch {
  // Each knows its place: a Set that is filled and emptied all the time is made anew all the time.
  const arriving: Arriving[] = []
  let looks = 0
  let watching = false
  const look = (): void => {
    looks += 1
    for (const { since, giveUp } of [...arriving]) if (looks - since > LOOKS) giveUp(tooSlow(wholeMs))
  }
  return {
    add: (giveUp) => {
      if (!watching) setInterval(look, wholeMs / LOOKS).unref()
      watching = true
      const one = { since: looks, giveUp, at: arriving.length }
      arriving.push(one)
      return one
    },
    delete: (one) => {
      if (arriving[one.at] !== one) return
      const last = arriving.pop()
      if (last === undefined || last === one) return
      last.at = one.at
      arriving[one.at] = last
    },
  }
}
