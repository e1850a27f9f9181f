import { planOf } from './plan.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { runPlan, type Verdict } from './run.ts'
import type { Seams } from './seams.ts'
import { shrink } from './shrink.ts'

/** The verdict on one seed, of the product as it is or with a planted bug. */
export const runSeed = (seed: number, bug?: string): Promise<Verdict> => runPlan(planOf(seed), seamsOf(bug))

/** A planted bug's stand-ins, new for each history: some keep a state. */
export function seamsOf(bug: string | undefined): Seams {
  if (bug === undefined) return {}
  const planted = PLANTED_BUGS[bug]
  if (planted === undefined) throw new Error(`unknown bug "${bug}". Bugs: ${Object.keys(PLANTED_BUGS).join(', ')}`)
  return planted.seams()
}

export type SearchOptions = {
  from: number
  /** Seeds at most. */
  seeds: number
  bug?: string | undefined
  /** Called after each history. */
  onSeed?: (seed: number) => void
}

/** The first seed whose history goes wrong. */
export async function firstFailure({ from, seeds, bug, onSeed }: SearchOptions): Promise<Verdict | undefined> {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const verdict = await runSeed(seed, bug)
    onSeed?.(seed)
    if (verdict.wrongs.length > 0) return verdict
  }
  return undefined
}

/** The least history of a seed that still goes wrong. */
export async function shrunk({ plan }: Verdict, bug?: string): Promise<Verdict> {
  const fails = async (tried: typeof plan): Promise<boolean> => (await runPlan(tried, seamsOf(bug))).wrongs.length > 0
  return runPlan(await shrink(plan, fails), seamsOf(bug))
}

/** A failure as a reader needs it: what was wrong, what was done to the world, and everything that happened. */
export function report({ plan, wrongs, lines, digest }: Verdict, bug?: string): string {
  const { posts, reads, faults, ...setup } = plan
  const planted = bug === undefined ? '' : ` --bug ${bug}`
  return [
    `seed ${plan.seed}: ${wrongs.length === 0 ? 'nothing is wrong' : wrongs.join('; ')}`,
    `setup   ${JSON.stringify(setup)}`,
    ...faults.map((fault) => `fault   ${JSON.stringify(fault)}`),
    ...posts.map((post) => `post    ${JSON.stringify(post)}`),
    ...reads.map((read) => `read    ${JSON.stringify(read)}`),
    ...lines,
    `history ${digest}; again: npm run simulate -- --seed ${plan.seed}${planted}`,
  ].join('\n')
}
