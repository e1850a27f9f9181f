import { TooManyRequests } from './errors.ts'

/** Lets works begin, a few of one owner at a time; its others wait in a queue of its own, in their order. */
export type Queues = {
  /** Runs `work` when it is its turn. Rejects with `TooManyRequests` where the queue is too long, and with what the work throws. */
  run<T>(owner: string, work: () => Promise<T>): Promise<T>
}

type Queue = { running: number; waiting: (() => void)[] }

/** By then a place is free, or the queue is as long as before. */
const RETRY_AFTER_SECONDS = 1

/** In front of what all use: whoever asks for much has `ownerMax` of it at a time, and waits for itself with the rest. */
export function createQueues({ ownerMax, waitingMax }: { ownerMax: number; waitingMax: number }): Queues {
  const queues = new Map<string, Queue>()

  const leave = (owner: string, queue: Queue): void => {
    const next = queue.waiting.shift()
    // The place goes on to the next one.
    if (next !== undefined) next()
    else queue.running -= 1
    if (queue.running === 0) queues.delete(owner)
  }

  return {
    run: async (owner, work) => {
      const queue = queues.get(owner) ?? { running: 0, waiting: [] }
      queues.set(owner, queue)
      if (queue.running < ownerMax) queue.running += 1
      else {
        if (queue.waiting.length >= waitingMax) throw new TooManyRequests(RETRY_AFTER_SECONDS)
        await new Promise<void>((resolve) => queue.waiting.push(resolve))
      }
      try {
        return await work()
      } finally {
        leave(owner, queue)
      }
    },
  }
}
