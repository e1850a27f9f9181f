import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ORDERS } from './orders.ts'
import { planOf } from './plan.ts'

const { bugs, firstFailure, runSeed, shrunk } = ORDERS

/** Shrinking runs some hundred histories. */
const TIMEOUT_MS = 300_000
/** Seeds within which a planted bug must be caught. docs/simulation.md tells which seed it was. */
const SEEDS_FOR_A_BUG = 1_500

test(
  'the same seed is the same history',
  async () => {
    for (const seed of [1, 2, 3]) expect((await runSeed(seed)).lines).toEqual((await runSeed(seed)).lines)
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
  const text = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'simulation.md'), 'utf8')
  for (const [bug, { what }] of Object.entries(bugs)) expect(text).toContain(`| \`${bug}\` | ${what} |`)
})

test(
  'a failure shrinks to a history that still fails, and replays',
  async () => {
    const bug = 'step-gone-when-taken'
    const failure = await firstFailure({ from: 1, seeds: SEEDS_FOR_A_BUG, bug })
    if (failure === undefined) throw new Error('the bug was not caught')
    const least = await shrunk(failure, bug)
    expect(least.failures).not.toEqual([])
    expect(least.plan.orders.length).toBeLessThan(failure.plan.orders.length)
    expect(least.plan.faults.length).toBeLessThanOrEqual(failure.plan.faults.length)
  },
  TIMEOUT_MS,
)

test(
  'the histories of a hundred seeds see what is judged: moves of all kinds, refusals, deliveries paid and returned',
  async () => {
    const lines: string[] = []
    for (let seed = 1; seed <= 100; seed += 1) lines.push(...(await runSeed(seed)).lines)
    const text = lines.join('\n')
    for (const seen of [
      ...['IN_TRANSIT (fluxo)', 'DELIVERED (fluxo)', 'CANCELLED (api)', 'RETURNING (api)', 'RETURNED (api)'],
      ...['transicao-invalida', 'versao-desatualizada', 'lancamentos  has followed', 'entregas  has followed'],
    ])
      expect(text).toContain(seen)
  },
  TIMEOUT_MS,
)

test('what falls upon the worlds of many seeds is of every kind', () => {
  const plans = Array.from({ length: 400 }, (_, seed) => planOf(seed + 1))
  expect(new Set(plans.map(({ profile }) => profile)).size).toBe(3)
  expect(new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind))).size).toBe(13)
})
