import type { AnyPlan, Scenario, Search, SearchOptions, Verdict } from './scenario.ts'
import { listOf, shrink } from './shrink.ts'

/** Looks for failures in a room. */
export function createSearch<P extends AnyPlan, Seams>(scenario: Scenario<P, Seams>): Search<P> {
  const { name, planOf, parts, bugs } = scenario
  /** A planted bug's stand-ins, new for each history: some keep a state. */
  const seamsOf = (bug: string | undefined): Seams | undefined => {
    if (bug === undefined) return undefined
    const planted = bugs[bug]
    if (planted === undefined) throw new Error(`unknown bug "${bug}". Bugs: ${Object.keys(bugs).join(', ')}`)
    return planted.seams()
  }
  const runPlan = (plan: P, bug?: string): Promise<Verdict<P>> => scenario.runPlan(plan, seamsOf(bug))
  const runSeed = (seed: number, bug?: string): Promise<Verdict<P>> => runPlan(planOf(seed), bug)
  return {
    name,
    bugs,
    planOf,
    runPlan,
    runSeed,
    firstFailure: async ({ from, seeds, bug, onSeed }: SearchOptions) => {
      for (let seed = from; seed < from + seeds; seed += 1) {
        const verdict = await runSeed(seed, bug)
        onSeed?.(seed)
        if (verdict.failures.length > 0) return verdict
      }
      return undefined
    },
    shrunk: async ({ plan }, bug) => {
      const fails = async (tried: P): Promise<boolean> => (await runPlan(tried, bug)).failures.length > 0
      return runPlan(await shrink(plan, parts, fails), bug)
    },
    report: (verdict, bug) => reportOf(scenario, verdict, bug),
  }
}

function reportOf<P extends AnyPlan>(
  { name, parts }: Pick<Scenario<P, never>, 'name' | 'parts'>,
  { plan, failures, lines, digest }: Verdict<P>,
  bug: string | undefined,
): string {
  const setup = Object.entries(plan).filter(([key]) => !parts.some((part) => part === key))
  const planted = bug === undefined ? '' : ` --bug ${bug}`
  const done = parts.flatMap((part) => listOf(plan, part).map((one) => `${part}  ${JSON.stringify(one)}`))
  return [
    `seed ${plan.seed}: ${failures.length === 0 ? 'nothing is wrong' : failures.join('; ')}`,
    `setup   ${JSON.stringify(Object.fromEntries(setup))}`,
    ...done,
    ...lines,
    `history ${digest}; again: npm run simulate -- --room ${name} --seed ${plan.seed}${planted}`,
  ].join('\n')
}
