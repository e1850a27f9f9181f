import type { Profile } from './fault-plan.ts'
import type { Fault } from './faults.ts'

/** What every plan has, whatever its world. */
export type AnyPlan = { seed: number; profile: Profile; faults: readonly Fault[] }

/** What came of a history. */
export type Verdict<P extends AnyPlan> = {
  plan: P
  /** What was wrong; empty where everything held. */
  failures: readonly string[]
  lines: readonly string[]
  digest: string
}

/** A mistake that this architecture invites, and what it looks like in the code. */
export type PlantedBug<Seams> = { what: string; seams: () => Seams }

/** One world that is simulated: how a seed becomes its plan, how the plan runs, and the mistakes that are planted in it. */
export type Scenario<P extends AnyPlan, Seams> = {
  name: string
  planOf: (seed: number) => P
  runPlan: (plan: P, seams?: Seams) => Promise<Verdict<P>>
  /** The lists of a plan that a failure may do without. */
  parts: readonly (keyof P & string)[]
  bugs: Readonly<Record<string, PlantedBug<Seams>>>
}

export type SearchOptions = {
  from: number
  /** Seeds at most. */
  seeds: number
  bug?: string | undefined
  /** Called after each history. */
  onSeed?: (seed: number) => void
}

/** What can be found out about a room. */
export type Search<P extends AnyPlan = AnyPlan> = {
  readonly name: string
  readonly bugs: Readonly<Record<string, { what: string }>>
  planOf(seed: number): P
  /** The verdict on a plan, of the product as it is or with a planted bug. */
  runPlan(plan: P, bug?: string): Promise<Verdict<P>>
  runSeed(seed: number, bug?: string): Promise<Verdict<P>>
  /** The first seed whose history goes wrong. */
  firstFailure(options: SearchOptions): Promise<Verdict<P> | undefined>
  /** The least history of a seed that still goes wrong. */
  shrunk(verdict: Verdict<P>, bug?: string): Promise<Verdict<P>>
  /** A failure as a reader needs it: what was wrong, what was done to the world, and everything that happened. */
  report(verdict: Verdict<P>, bug?: string): string
}
