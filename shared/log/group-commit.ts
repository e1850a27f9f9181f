import { type Clock, systemClock } from '../clock.ts'
import { Unavailable } from '../errors.ts'
import { createShares } from '../shares.ts'

type GroupCommitOptions<Item, Result> = {
  /** Writes a batch durably and answers one result per item, in order. No two items of a batch share a key. */
  flush: (items: readonly Item[]) => Promise<readonly Result[]>
  /** The item's keys. Two items that share a key go in different batches, one after the other. */
  keysOf: (item: Item) => readonly string[]
  /** The item's owner (its merchant): one owner may have a quarter of the queue. Without it, items have no owner. */
  ownerOf?: (item: Item) => string
  /** Rows of a batch at most. */
  batchRowsMax?: number
  /** Batches under way at once, at most. */
  inFlightMax?: number
  /** Items waiting at most, a quarter of them of one owner. A further one is refused, so that its caller gets 503 at once. */
  queueMax?: number
  onBatch?: ((rows: number) => void) | undefined
  /** Called for each item that the full queue refuses. */
  onRefused?: (() => void) | undefined
  clock?: Clock | undefined
}

export type GroupCommit<Item, Result> = {
  /** Resolves once the item's batch is durable; rejects with `Unavailable` when the queue, or its owner's part of it, is full. */
  add: (item: Item) => Promise<Result>
  /** Items that wait for a batch. */
  depth: () => number
  /** Resolves when nothing waits and no batch is under way. */
  idle: () => Promise<void>
}

type Waiting<Item, Result> = {
  item: Item
  owner: string
  keys: readonly string[]
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/** Statements beyond this size gained nothing in a trial (113–118 thousand rows/s at 500), and hold the counter longer. */
const BATCH_ROWS_MAX = 500
/** A second batch would only wait for the first one's counter, and both would be smaller (7 % fewer rows/s in a trial). */
const IN_FLIGHT_MAX = 1
/** About a second of work at full speed: beyond it a caller is better served by an early 503. */
const QUEUE_MAX = 10_000
/** One owner's part of the queue: far more than it has under way where the disk keeps up, and three others have as much. */
const OWNER_SHARE = 1 / 4
const RETRY_AFTER_SECONDS = 1

/**
 * Group commit: concurrent callers share one statement and one flush to disk, yet each is answered only once its own
 * item is durable.
 *
 * There is no timer. The first item goes at once (`setImmediate`); those that come while a batch is
 * under way are collected meanwhile. A linger of 2 ms lowered throughput in a trial.
 *
 * @example
 * const commits = createGroupCommit({ flush: (rows) => append(0, rows), keysOf: (row) => [row.chave] })
 * const [first, second] = await Promise.all([commits.add(one), commits.add(another)]) // one statement
 */
export const createGroupCommit = <Item, Result>(
  options: GroupCommitOptions<Item, Result>,
): GroupCommit<Item, Result> => {
  const {
    flush,
    keysOf,
    ownerOf,
    batchRowsMax = BATCH_ROWS_MAX,
    inFlightMax = IN_FLIGHT_MAX,
    queueMax = QUEUE_MAX,
  } = options
  const { clock = systemClock } = options
  let queue: Waiting<Item, Result>[] = []
  const ownerMax = ownerOf === undefined ? queueMax : Math.ceil(queueMax * OWNER_SHARE)
  const places = createShares({ max: queueMax, ownerMax })
  const busyKeys = new Set<string>()
  let inFlight = 0
  let scheduled = false
  let idleWaiters: (() => void)[] = []

  const take = (): Waiting<Item, Result>[] => {
    const batch: Waiting<Item, Result>[] = []
    const later: Waiting<Item, Result>[] = []
    let seen = 0
    for (const waiting of queue) {
      if (batch.length === batchRowsMax) break
      seen += 1
      if (waiting.keys.some((key) => busyKeys.has(key))) later.push(waiting)
      else {
        for (const key of waiting.keys) busyKeys.add(key)
        places.give(waiting.owner)
        batch.push(waiting)
      }
    }
    queue = later.length === 0 ? queue.slice(seen) : later.concat(queue.slice(seen))
    return batch
  }

  const run = async (batch: readonly Waiting<Item, Result>[]): Promise<void> => {
    inFlight += 1
    options.onBatch?.(batch.length)
    try {
      settle(batch, await flush(batch.map(({ item }) => item)))
    } catch (error) {
      for (const waiting of batch) waiting.reject(error)
    } finally {
      inFlight -= 1
      for (const { keys } of batch) for (const key of keys) busyKeys.delete(key)
      pump()
    }
  }

  const pump = (): void => {
    scheduled = false
    while (queue.length > 0 && inFlight < inFlightMax) {
      const batch = take()
      if (batch.length === 0) return
      void run(batch)
    }
    if (queue.length === 0 && inFlight === 0) {
      for (const wake of idleWaiters) wake()
      idleWaiters = []
    }
  }

  return {
    add: (item) => {
      const owner = ownerOf?.(item) ?? ''
      if (!places.take(owner)) {
        options.onRefused?.()
        return Promise.reject(new Unavailable('fila-cheia', 'Há registros demais à espera.', RETRY_AFTER_SECONDS))
      }
      const { promise, resolve, reject } = Promise.withResolvers<Result>()
      queue.push({ item, owner, keys: keysOf(item), resolve, reject })
      if (!scheduled && inFlight < inFlightMax) {
        scheduled = true
        clock.soon(pump)
      }
      return promise
    },
    depth: () => queue.length,
    idle: async () => {
      if (queue.length === 0 && inFlight === 0) return
      const { promise, resolve } = Promise.withResolvers<void>()
      idleWaiters.push(resolve)
      await promise
    },
  }
}

const settle = <Item, Result>(batch: readonly Waiting<Item, Result>[], results: readonly Result[]): void => {
  batch.forEach((waiting, index) => {
    const result = results[index]
    if (result === undefined) waiting.reject(new Error('invariant: a batch answers one result per item'))
    else waiting.resolve(result)
  })
}
