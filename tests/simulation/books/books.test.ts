import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BOOKS } from './books.ts'
import { planOf } from './plan.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { runPlan } from './run.ts'

const { firstFailure, report, runSeed, shrunk } = BOOKS

/** Shrinking runs some hundred histories. */
const TIMEOUT_MS = 300_000

test('the same seed is the same history', async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const [one, other] = [await runSeed(seed), await runSeed(seed)]
    expect(one.lines).toEqual(other.lines)
    expect(one.digest).toBe(other.digest)
  }
  expect((await runSeed(1)).digest).not.toBe((await runSeed(2)).digest)
})

/** Seeds within which a planted bug must be caught. docs/simulation.md tells which seed it was. */
const SEEDS_FOR_A_BUG = 1_500

test.each(Object.keys(PLANTED_BUGS))(
  'the planted bug %s is caught by a seed that the product passes',
  async (bug) => {
    const failure = await firstFailure({ from: 1, seeds: SEEDS_FOR_A_BUG, bug })
    expect(failure?.failures[0]).toBeTypeOf('string')
    expect((await runSeed(failure?.plan.seed ?? 0)).failures).toEqual([])
  },
  TIMEOUT_MS,
)

test('the documentation names every planted bug', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'simulation.md'), 'utf8')
  for (const [bug, { what }] of Object.entries(PLANTED_BUGS)) expect(text).toContain(`| \`${bug}\` | ${what} |`)
})

test(
  'a failure shrinks to a history that still fails, and replays',
  async () => {
    const bug = 'dedupe-in-memory'
    const failure = await firstFailure({ from: 1, seeds: SEEDS_FOR_A_BUG, bug })
    if (failure === undefined) throw new Error('the bug was not caught')
    const least = await shrunk(failure, bug)
    expect(least.failures).not.toEqual([])
    expect(least.plan.faults.length).toBeLessThanOrEqual(failure.plan.faults.length)
    expect(least.plan.posts.length).toBeLessThan(failure.plan.posts.length)
    expect((await runPlan(least.plan, PLANTED_BUGS[bug]?.seams())).lines).toEqual(least.lines)
    expect(report(least, bug)).toContain(`--seed ${failure.plan.seed} --bug ${bug}`)
  },
  TIMEOUT_MS,
)

test('the plans of many seeds hold every kind of fault and every profile', () => {
  const plans = Array.from({ length: 400 }, (_, seed) => planOf(seed + 1))
  expect(new Set(plans.map(({ profile }) => profile)).size).toBe(3)
  const kinds = plans.flatMap(({ faults }) => faults.map(({ kind }) => kind))
  expect(new Set(kinds)).toEqual(
    new Set([
      ...['feed-away', 'group-lost', 'kill', 'lease-cut', 'leave', 'pause', 'postgres-away', 'redis-away', 'redis-cut'],
      ...['redis-flush', 'redis-full', 'redis-restart', 'step'],
    ]),
  )
})
