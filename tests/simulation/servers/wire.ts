import type { Process } from '../process.ts'
import type { Scheduler } from '../scheduler.ts'

/** What a server answers. */
export type Outcome = { value: unknown } | { error: Error }

type Pending = { cut: boolean; answer: (outcome: Outcome) => void }

/** What a process speaks to a server over: one socket (`ordered`), or a pool of them. */
export type Line = {
  readonly process: Process
  readonly ordered: boolean
  sentUntil: number
  heardUntil: number
  readonly pending: Set<Pending>
  /** The error of whoever waits when it breaks. */
  readonly broken: () => Error
  /** Called when one of its calls lost its connection: the line breaks with it. */
  onLoss: () => void
}

type Call = {
  line: Line
  what: string
  up: () => boolean
  /** The effect at the server, at one moment or after a wait there. Called at most once; it answers at most once. */
  execute: (reply: (outcome: Outcome) => void) => void
  /** What the server says when it refuses and does nothing. */
  refusal: () => Error
}

export type Wire = {
  send<T>(call: Call): Promise<T>
  line(options: { process: Process; ordered: boolean; broken: () => Error }): Line
  /** Ends all calls in flight with an error: the effect of each may yet happen or not. */
  cut(line: Line): void
}

/** Nearly all messages arrive within a fraction of a millisecond, some much later: that is what reorders them. */
const LATENCY_MS = { least: 0.1, most: 6 }

type WireDeps = {
  scheduler: Scheduler
  /** Kills a process; it is started again after `ms`. */
  kill: (process: Process, ms: number) => void
}

/** Carries calls from processes to servers, and loses them where the plan says so. */
export function createWire({ scheduler, kill }: WireDeps): Wire {
  const latency = ({ random }: Process): number => LATENCY_MS.least + random.next() ** 4 * LATENCY_MS.most
  /** On a socket nothing overtakes. */
  const inOrder = (line: Line, until: 'sentUntil' | 'heardUntil', ms: number): number => {
    if (!line.ordered) return ms
    line[until] = Math.max(line[until], scheduler.now() + ms)
    return line[until] - scheduler.now()
  }
  const cut = (line: Line): void => {
    const { process } = line
    const lost = [...line.pending]
    line.pending.clear()
    line.sentUntil = 0
    line.heardUntil = 0
    for (const pending of lost) {
      // What was written to the socket may arrive all the same.
      pending.cut = process.random.chance(0.5)
      process.deliver(line.ordered ? 0 : latency(process), () => pending.answer({ error: line.broken() }))
    }
  }
  return {
    cut,
    line: ({ process, ordered, broken }) => {
      const line: Line = { process, ordered, broken, sentUntil: 0, heardUntil: 0, pending: new Set(), onLoss: () => {} }
      process.onEnd(() => {
        for (const pending of line.pending) pending.cut = process.random.chance(0.5)
        line.pending.clear()
      })
      return line
    },
    send: <T>({ line, what, up, execute, refusal }: Call): Promise<T> => {
      const { process } = line
      const { promise, resolve, reject } = Promise.withResolvers<T>()
      if (!process.alive()) return promise
      const fault = process.step(what)
      if (fault?.what === 'kill-before') {
        kill(process, fault.ms)
        return promise
      }
      const pending: Pending = {
        cut: false,
        answer: (outcome) => ('error' in outcome ? reject(outcome.error) : resolve(outcome.value as T)),
      }
      const reply = (outcome: Outcome, lateMs = 0): void => {
        if (!line.pending.has(pending)) return
        process.deliver(inOrder(line, 'heardUntil', latency(process) + lateMs), () => {
          if (line.pending.delete(pending)) pending.answer(outcome)
        })
      }
      const lose = (): void => {
        if (!line.pending.has(pending)) return
        if (line.ordered) line.onLoss()
        else {
          line.pending.delete(pending)
          process.deliver(latency(process), () => pending.answer({ error: line.broken() }))
        }
      }
      const done = (outcome: Outcome): void => {
        if (!process.alive()) return
        if (fault?.what === 'kill-after') kill(process, fault.ms)
        else if (fault?.what === 'lost-reply') lose()
        else reply(outcome, fault?.what === 'slow-reply' ? fault.ms : 0)
      }
      line.pending.add(pending)
      scheduler.quietly(inOrder(line, 'sentUntil', latency(process)), () => {
        if (pending.cut) return
        if (fault?.what === 'lost-request') return lose()
        if (!up()) return reply({ error: line.broken() })
        if (fault?.what === 'abort') return reply({ error: refusal() })
        execute(done)
      })
      return promise
    },
  }
}
