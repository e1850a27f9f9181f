import { hash } from 'node:crypto'

type Event = { at: number; order: number; run: (() => void) | undefined; settles: boolean }

/**
 * Virtual time. Nothing happens but what was scheduled, one thing after another, and after each the code that it woke
 * runs until it waits again: for the next virtual moment, or for a reply that is scheduled as well.
 */
export type Scheduler = {
  now(): number
  /** Runs `run` after `ms`; whoever it wakes goes on before anything else happens. Gives the way to call it off. */
  after(ms: number, run: () => void): () => void
  /** The same for what wakes nobody, such as a command that reaches a server: it costs no turn of the event loop. */
  quietly(ms: number, run: () => void): void
  /** Goes on until `done` says so or virtual time passes `until`; says which. */
  runUntil(until: number, done: () => boolean): Promise<boolean>
  /** Writes a line of the history. */
  note(line: string): void
  lines(): readonly string[]
  /** Stands for the whole history: equal for equal histories. */
  digest(): string
}

const DIGEST_LENGTH = 8

/** Real code that waits for nothing but promises has gone on as far as it can when an immediate runs. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A scheduler at time 0 with nothing to do. */
export function createScheduler(): Scheduler {
  const heap: Event[] = []
  const lines: string[] = []
  let now = 0
  let order = 0
  const add = (ms: number, run: () => void, settles: boolean): Event => {
    const event = { at: now + Math.max(0, ms), order: order++, run, settles }
    push(heap, event)
    return event
  }
  return {
    now: () => now,
    after: (ms, run) => {
      const event = add(ms, run, true)
      return () => {
        event.run = undefined
      }
    },
    quietly: (ms, run) => void add(ms, run, false),
    runUntil: async (until, done) => {
      await settled()
      while (!done()) {
        const event = pop(heap)
        if (event === undefined || event.at > until) {
          if (event !== undefined) push(heap, event)
          now = until
          return false
        }
        if (event.run === undefined) continue
        now = event.at
        event.run()
        if (event.settles) await settled()
      }
      return true
    },
    note: (line) => void lines.push(`${now.toFixed(2).padStart(9)}  ${line}`),
    lines: () => lines,
    digest: () => hash('sha256', lines.join('\n')).slice(0, DIGEST_LENGTH),
  }
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

function push(heap: Event[], event: Event): void {
  let at = heap.length
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (above === undefined || before(above, event)) break
    heap[at] = above
    at = parent
  }
  heap[at] = event
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    const right = heap[child + 1]
    let least = heap[child]
    if (least === undefined) break
    if (right !== undefined && before(right, least)) {
      child += 1
      least = right
    }
    if (before(last, least)) break
    heap[at] = least
    at = child
  }
  heap[at] = last
  return first
}
