import type { Fault } from './faults.ts'
import { createProcess, type Process } from './process.ts'
import type { Scheduler } from './scheduler.ts'

/** An instance of a service: what can be done to it from outside. */
export type Service = { readonly process: Process; stop: () => Promise<void> }

type Life<S> = { process: Process; service: S; leaving: boolean }

type InstancesDeps<S> = {
  plan: { seed: number; loadMs: number; faults: readonly Fault[] }
  scheduler: Scheduler
  /** All of them, in the order in which they start. */
  names: readonly string[]
  begin: (instance: string, process: Process) => S
}

/** The instances: each is one process at a time, and comes back after it was killed or has left. */
export function createInstances<S extends Service>() {
  const lives = new Map<string, Life<S>>()
  const counts = new Map<string, number>()
  const calls = new Map<string, string[]>()
  let deps: InstancesDeps<S> | undefined
  const start = (instance: string): void => {
    if (deps === undefined || lives.has(instance)) return
    const { plan, scheduler, begin } = deps
    const life = (counts.get(instance) ?? 0) + 1
    counts.set(instance, life)
    const faultAt = (what: string) => {
      const made = calls.get(instance) ?? []
      calls.set(instance, made)
      made.push(what)
      if (scheduler.now() > plan.loadMs) return undefined
      return plan.faults.find((fault) => fault.kind === 'step' && fault.instance === instance && isAt(fault, made))
    }
    const process = createProcess({
      scheduler,
      seed: plan.seed,
      instance,
      life,
      faultAt: (what) => stepOf(faultAt(what)),
    })
    scheduler.note(`${instance}  starts`)
    lives.set(instance, { process, service: begin(instance, process), leaving: false })
  }
  const end = (instance: string, ms: number): void => {
    lives.get(instance)?.process.kill()
    lives.delete(instance)
    deps?.scheduler.after(ms, () => start(instance))
  }
  const all = () => [...lives.values()]
  return {
    open: (given: InstancesDeps<S>) => {
      deps = given
    },
    start,
    startAll: () => {
      for (const instance of deps?.names ?? []) start(instance)
    },
    kill: (instance: string, ms: number) => {
      if (!lives.has(instance)) return
      deps?.scheduler.note(`${instance}  is killed`)
      end(instance, ms)
    },
    leave: (instance: string, ms: number) => {
      const life = lives.get(instance)
      if (life === undefined) return
      deps?.scheduler.note(`${instance}  leaves`)
      life.leaving = true
      void life.service.stop().then(() => {
        if (lives.get(instance) === life) end(instance, ms)
      })
    },
    named: (instance: string) => lives.get(instance),
    all,
    services: (): S[] => all().map(({ service }) => service),
    /** Whether all of them are there and at work. */
    complete: (): boolean =>
      lives.size === counts.size && all().every(({ process, leaving }) => !leaving && !process.paused()),
  }
}

const stepOf = (fault: Fault | undefined) => (fault?.kind === 'step' ? { what: fault.what, ms: fault.ms } : undefined)

/** Whether the last of the calls that were made is the one that the fault waits for. */
const isAt = ({ on, call }: { on: string | undefined; call: number }, made: readonly string[]): boolean => {
  if (on === undefined) return made.length === call
  return made.at(-1) === on && made.filter((what) => what === on).length === call
}
