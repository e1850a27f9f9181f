/** Long work of merchants, in slices between which everything else goes on. */
export type Turns = {
  /** Runs `work` to its end; it may be paused wherever it yields. Rejects with what it throws. */
  run<T>(owner: string, work: Generator<undefined, T>): Promise<T>
}

type Job = { goOn(untilMs: number): boolean }

/** Everybody else waits so long at most, and the step of the work that is under way then. */
const SLICE_MS = 5

/**
 * Gives the event loop to long work for `sliceMs` at a time: one slice, then all that is ready, sockets included, then the next.
 *
 * Merchants take turns, so that who has much to do waits for itself; the works of one merchant go one after the other.
 */
export function createTurns(sliceMs = SLICE_MS): Turns {
  const queues = new Map<string, Job[]>()

  const slice = (): void => {
    const [next] = queues
    if (next === undefined) return
    const [owner, jobs] = next
    if (jobs[0]?.goOn(performance.now() + sliceMs) === true) jobs.shift()
    // To the end of the line, where there is more to do.
    queues.delete(owner)
    if (jobs.length > 0) queues.set(owner, jobs)
    if (queues.size > 0) setImmediate(slice)
  }

  return {
    run: (owner, work) =>
      new Promise((resolve, reject) => {
        const goOn = (untilMs: number): boolean => {
          try {
            do {
              const { done, value } = work.next()
              if (done !== true) continue
              resolve(value)
              return true
            } while (performance.now() < untilMs)
            return false
          } catch (error) {
            reject(error)
            return true
          }
        }
        if (queues.size === 0) setImmediate(slice)
        const queue = queues.get(owner)
        if (queue === undefined) queues.set(owner, [{ goOn }])
        else queue.push({ goOn })
      }),
  }
}

/** The turns of the process, as its event loop is one. */
export const turns: Turns = createTurns()
