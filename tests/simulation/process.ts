import type { Clock } from '@fluxo/shared/clock'
import { createRandom, type Random } from '../stage/random.ts'
import type { StepFault } from './faults.ts'
import type { Scheduler } from './scheduler.ts'

/** One life of one instance: what belongs to it ends when it is killed, and nothing of it runs any more. */
export type Process = {
  /** The instance, the same after a restart. */
  readonly instance: string
  /** How often this instance was started. */
  readonly life: number
  readonly random: Random
  readonly clock: Clock
  alive(): boolean
  /** Wakes code of this process after `ms`: not while it is paused, and never once it is dead. Gives the way to call it off. */
  deliver(ms: number, run: () => void): () => void
  /** Counts a call to a server and says what is to go wrong with it. */
  step(what: string): StepFault | undefined
  /** Nothing of it runs for so long: a stopped machine, a long garbage collection. */
  pause(ms: number): void
  paused(): boolean
  /** Its end, as by SIGKILL. */
  kill(): void
  /** Hears of its end: sockets close. */
  onEnd(listener: () => void): void
}

type ProcessDeps = {
  scheduler: Scheduler
  seed: number
  instance: string
  life: number
  /** What goes wrong at the next call of this instance, which is of this kind. */
  faultAt: (what: string) => StepFault | undefined
}

/** Starts a life. */
export function createProcess({ scheduler, seed, instance, life, faultAt }: ProcessDeps): Process {
  const random = createRandom(seed, `${instance}/${life}`)
  const ends: (() => void)[] = []
  let alive = true
  let pausedUntil = 0
  const deliver = (ms: number, run: () => void): (() => void) => {
    let cancel = (): void => {}
    const wake = (): void => {
      if (!alive) return
      if (scheduler.now() < pausedUntil) cancel = scheduler.after(pausedUntil - scheduler.now(), wake)
      else run()
    }
    cancel = scheduler.after(ms, wake)
    return () => cancel()
  }
  const clock: Clock = {
    now: scheduler.now,
    random: random.next,
    delay: (ms, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      if (signal?.aborted) return Promise.reject(signal.reason)
      const abort = (): void => {
        cancel()
        reject(signal?.reason)
      }
      const cancel = deliver(ms, () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      signal?.addEventListener('abort', abort, { once: true })
      return promise
    },
    after: deliver,
    afterUnref: deliver,
    soon: (run) => deliver(0, run),
  }
  return {
    instance,
    life,
    random,
    clock,
    alive: () => alive,
    deliver,
    step: (what) => {
      const fault = faultAt(what)
      if (fault !== undefined) scheduler.note(`${instance}  ! ${fault.what} at ${what}`)
      return fault
    },
    pause: (ms) => {
      scheduler.note(`${instance}  ! pause ${ms}`)
      pausedUntil = scheduler.now() + ms
    },
    paused: () => scheduler.now() < pausedUntil,
    kill: () => {
      if (!alive) return
      alive = false
      for (const end of ends) end()
    },
    onEnd: (listener) => void ends.push(listener),
  }
}
