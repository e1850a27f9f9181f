import type { AnyPlan } from './scenario.ts'

/**
 * Takes away from a plan what its failure does not need, part by part: requests and faults, halves first and single ones
 * last (delta debugging). `fails` says whether a plan still does; the same plan always gives the same answer.
 */
export async function shrink<P extends AnyPlan>(
  plan: P,
  parts: readonly (keyof P & string)[],
  fails: (plan: P) => Promise<boolean>,
): Promise<P> {
  const sizeOf = (one: P): number => parts.reduce((sum, part) => sum + listOf(one, part).length, 0)
  let smaller = plan
  for (let before: number | undefined; before !== sizeOf(smaller); ) {
    before = sizeOf(smaller)
    for (const part of parts) smaller = await without(smaller, part, fails)
  }
  return smaller
}

async function without<P extends AnyPlan>(
  plan: P,
  part: keyof P & string,
  fails: (plan: P) => Promise<boolean>,
): Promise<P> {
  let smaller = plan
  for (let size = listOf(plan, part).length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < listOf(smaller, part).length; ) {
      const tried = { ...smaller, [part]: listOf(smaller, part).toSpliced(from, size) }
      if (await fails(tried)) smaller = tried
      else from += size
    }
  }
  return smaller
}

/** One of a plan's lists. */
export function listOf<P extends AnyPlan>(plan: P, part: keyof P): readonly unknown[] {
  const list = plan[part]
  if (!Array.isArray(list)) throw new Error(`${String(part)} of a plan is no list`)
  return list
}
