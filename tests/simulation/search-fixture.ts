import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AnyPlan, Search } from './scenario.ts'
import { listOf } from './shrink.ts'

/** Shrinking runs some hundred histories. */
const TIMEOUT_MS = 300_000
/** Seeds within which a planted bug must be caught. docs/simulation.md tells which seed it was. */
const SEEDS_FOR_A_BUG = 3_000
const PLANS = 400
const HISTORIES = 200
const KINDS = [
  ...['feed-away', 'group-lost', 'kill', 'lease-cut', 'leave', 'pause', 'postgres-away', 'redis-away', 'redis-cut'],
  ...['redis-flush', 'redis-full', 'redis-restart', 'step'],
]

type Room<P extends AnyPlan> = {
  /** A planted bug whose failure is shrunk, and the list of requests that becomes shorter then. */
  shrinks: { bug: string; part: keyof P & string }
  /** Kinds of faults that this room alone has. */
  alsoFaults?: readonly string[]
  /** What the histories of a hundred seeds must have in them. */
  sees: readonly string[]
}

/** The tests of a room's search: the same for every room. Test tool. */
export function testSearch<P extends AnyPlan>(search: Search<P>, { shrinks, sees, alsoFaults = [] }: Room<P>): void {
  const { bugs, firstFailure, planOf, report, runPlan, runSeed, shrunk } = search

  test(
    'the same seed is the same history',
    async () => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const [one, other] = [await runSeed(seed), await runSeed(seed)]
        expect(one.lines).toEqual(other.lines)
        expect(one.digest).toBe(other.digest)
      }
      expect((await runSeed(1)).digest).not.toBe((await runSeed(2)).digest)
    },
    TIMEOUT_MS,
  )

  test.each(Object.keys(bugs))(
    'the planted bug %s is caught by a seed that the product passes',
    async (bug) => {
      const failure = await firstFailure({ from: 1, seeds: SEEDS_FOR_A_BUG, bug })
      expect(failure?.failures[0]).toBeTypeOf('string')
      expect((await runSeed(failure?.plan.seed ?? 0)).failures).toEqual([])
    },
    TIMEOUT_MS,
  )

  test('the documentation names every planted bug', () => {
    const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'simulation.md'), 'utf8')
    for (const [bug, { what }] of Object.entries(bugs)) expect(text).toContain(`| \`${bug}\` | ${what} |`)
  })

  test(
    'a failure shrinks to a history that still fails, and replays',
    async () => {
      const { bug, part } = shrinks
      const failure = await firstFailure({ from: 1, seeds: SEEDS_FOR_A_BUG, bug })
      if (failure === undefined) throw new Error('the bug was not caught')
      const least = await shrunk(failure, bug)
      expect(least.failures).not.toEqual([])
      expect(least.plan.faults.length).toBeLessThanOrEqual(failure.plan.faults.length)
      expect(listOf(least.plan, part).length).toBeLessThan(listOf(failure.plan, part).length)
      expect((await runPlan(least.plan, bug)).lines).toEqual(least.lines)
      expect(report(least, bug)).toContain(`--seed ${failure.plan.seed} --bug ${bug}`)
    },
    TIMEOUT_MS,
  )

  test('the plans of many seeds hold every kind of fault and every profile', () => {
    const plans = Array.from({ length: PLANS }, (_, seed) => planOf(seed + 1))
    expect(new Set(plans.map(({ profile }) => profile)).size).toBe(3)
    expect(new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)))).toEqual(
      new Set([...KINDS, ...alsoFaults]),
    )
  })

  test(
    'the histories of 200 seeds see what is judged, and every call at which a fault may strike',
    async () => {
      const lines: string[] = []
      const calls = new Set<string>()
      for (let seed = 1; seed <= HISTORIES; seed += 1) {
        const { plan, lines: seen } = await runSeed(seed)
        lines.push(...seen)
        for (const fault of plan.faults) if (fault.kind === 'step' && fault.on !== undefined) calls.add(fault.on)
      }
      const text = lines.join('\n')
      const missing = [...sees, ...[...calls].map((on) => ` at ${on}\n`)].filter((seen) => !text.includes(seen))
      expect(missing).toEqual([])
    },
    TIMEOUT_MS,
  )
}
