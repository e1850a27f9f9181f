import { TooManyRequests } from './errors.ts'

/** Lets works begin, a few of one owner at a time; its others wait in a line of its own, in their order. */
export type Lines = {
  /** Runs `work` when it is its turn. Rejects with `TooManyRequests` where the line is too long, and with what the work throws. */
  run<T>(owner: string, work: () => Promise<T>): Promise<T>
}

type Line = { running: number; waiting: (() => void)[] }

/** By then a place is free, or the line is as long as before. */
const RETRY_AFTER_SECONDS = 1

/** In front of what all use: whoever asks for much has `ownerMax` of it at a time, and waits for itself with the rest. */
export function createLines({ ownerMax, waitingMax }: { ownerMax: number; waitingMax: number }): Lines {
  const lines = new Map<string, Line>()

  const leave = (owner: string, line: Line): void => {
    const next = line.waiting.shift()
    // The place goes on to the next one.
    if (next !== undefined) next()
    else line.running -= 1
    if (line.running === 0) lines.delete(owner)
  }

  return {
    run: async (owner, work) => {
      const line = lines.get(owner) ?? { running: 0, waiting: [] }
      lines.set(owner, line)
      if (line.running < ownerMax) line.running += 1
      else {
        if (line.waiting.length >= waitingMax) throw new TooManyRequests(RETRY_AFTER_SECONDS)
        await new Promise<void>((resolve) => line.waiting.push(resolve))
      }
      try {
        return await work()
      } finally {
        leave(owner, line)
      }
    },
  }
}
