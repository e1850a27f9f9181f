import { argumentsOf, runCommand, UsageError } from '../scripts/cli.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { firstFailure, report, runSeed, shrunk } from './search.ts'

const SEEDS_DEFAULT = '2000'
const SEED_MAX = 2 ** 31
/** Seeds after which a planted bug counts as not caught. */
const SEEDS_FOR_A_BUG = 3_000
const PROGRESS_EVERY = 500

const wholeNumber = (name: string, text: string): number => {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= SEED_MAX) return number
  throw new UsageError(`--${name} takes a whole number from 1 to ${SEED_MAX}`)
}

/** Looks for a failure and shows its least history; the exit code says whether there is one. */
const search = async (from: number, seeds: number, bug: string | undefined): Promise<number> => {
  const began = performance.now()
  const seconds = (): string => ((performance.now() - began) / 1_000).toFixed(1)
  const onSeed = (seed: number): void => {
    const done = seed - from + 1
    if (done % PROGRESS_EVERY === 0) console.log(`${done} seeds, ${seconds()} s`)
  }
  const failure = await firstFailure({ from, seeds, bug, onSeed })
  if (failure === undefined) {
    console.log(`${seeds} seeds from ${from}, ${seconds()} s, nothing wrong`)
    return 0
  }
  const { seed, faults, posts } = failure.plan
  console.log(
    `seed ${seed} after ${seconds()} s, ${faults.length} faults and ${posts.length} requests: ${failure.wrongs[0]}`,
  )
  console.log('Its least history that still goes wrong:\n')
  console.log(report(await shrunk(failure, bug), bug))
  return 1
}

/** Each planted bug and the first seed that catches it. */
const table = async (): Promise<number> => {
  let missed = 0
  for (const [bug, { what }] of Object.entries(PLANTED_BUGS)) {
    const failure = await firstFailure({ from: 1, seeds: SEEDS_FOR_A_BUG, bug })
    if (failure === undefined) missed += 1
    console.log(`| \`${bug}\` | ${what} | ${failure?.plan.seed ?? 'not caught'} | ${failure?.wrongs[0] ?? ''} |`)
  }
  return missed === 0 ? 0 : 1
}

await runCommand('simulate', async () => {
  const { values } = argumentsOf('simulate', {
    seeds: { type: 'string', default: SEEDS_DEFAULT },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    bug: { type: 'string' },
    bugs: { type: 'boolean', default: false },
  })
  const { bug } = values
  if (bug !== undefined && PLANTED_BUGS[bug] === undefined) {
    throw new UsageError(`unknown bug "${bug}". Bugs: ${Object.keys(PLANTED_BUGS).join(', ')}`)
  }
  if (values.bugs) return table()
  if (values.seed === undefined)
    return search(wholeNumber('from', values.from), wholeNumber('seeds', values.seeds), bug)
  const verdict = await runSeed(wholeNumber('seed', values.seed), bug)
  console.log(report(verdict, bug))
  return verdict.wrongs.length === 0 ? 0 : 1
})
