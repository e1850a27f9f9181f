import type { Plan } from './plan.ts'

/**
 * Takes away from a plan what its failure does not need: requests, reads and faults, halves first and single ones last
 * (delta debugging). `fails` says whether a plan still does; the same plan always gives the same answer.
 */
export async function shrink(plan: Plan, fails: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let smaller = plan
  for (let before: number | undefined; before !== sizeOf(smaller); ) {
    before = sizeOf(smaller)
    smaller = await without(smaller, 'faults', fails)
    smaller = await without(smaller, 'reads', fails)
    smaller = await without(smaller, 'posts', fails)
  }
  return smaller
}

const sizeOf = ({ posts, reads, faults }: Plan): number => posts.length + reads.length + faults.length

async function without(
  plan: Plan,
  part: 'faults' | 'reads' | 'posts',
  fails: (plan: Plan) => Promise<boolean>,
): Promise<Plan> {
  let smaller = plan
  for (let size = plan[part].length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < smaller[part].length; ) {
      const tried = { ...smaller, [part]: smaller[part].toSpliced(from, size) }
      if (await fails(tried)) smaller = tried
      else from += size
    }
  }
  return smaller
}
