import { argumentsOf, runCommand, UsageError } from '../../scripts/cli.ts'
import { BOOKS } from './books/books.ts'
import { NOTICES } from './notices/notices.ts'
import { ORDERS } from './orders/orders.ts'
import type { AnyPlan, Search } from './scenario.ts'

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

/** The searches of one room, whatever its plans are. */
type Command = {
  name: string
  bugs: Readonly<Record<string, { what: string }>>
  /** Looks for a failure and shows its least history; says whether there is one. */
  search: (from: number, seeds: number, bug: string | undefined) => Promise<boolean>
  /** Shows one history; says whether anything was wrong. */
  show: (seed: number, bug: string | undefined) => Promise<boolean>
  /** Shows each planted bug and the first seed that catches it; says whether one was missed. */
  table: () => Promise<boolean>
}

function commandOf<P extends AnyPlan>({ name, bugs, runSeed, firstFailure, shrunk, report }: Search<P>): Command {
  return {
    name,
    bugs,
    search: async (from, seeds, bug) => {
      const began = performance.now()
      const seconds = (): string => ((performance.now() - began) / 1_000).toFixed(1)
      const onSeed = (seed: number): void => {
        const done = seed - from + 1
        if (done % PROGRESS_EVERY === 0) console.log(`${name}: ${done} seeds, ${seconds()} s`)
      }
      const failure = await firstFailure({ from, seeds, bug, onSeed })
      if (failure === undefined) {
        console.log(`${name}: ${seeds} seeds from ${from}, ${seconds()} s, nothing wrong`)
        return false
      }
      const { seed, faults } = failure.plan
      console.log(`${name}: seed ${seed} after ${seconds()} s, with ${faults.length} faults: ${failure.failures[0]}`)
      console.log('Its least history that still goes wrong:\n')
      console.log(report(await shrunk(failure, bug), bug))
      return true
    },
    show: async (seed, bug) => {
      const verdict = await runSeed(seed, bug)
      console.log(report(verdict, bug))
      return verdict.failures.length > 0
    },
    table: async () => {
      let missed = false
      for (const [bug, { what }] of Object.entries(bugs)) {
        const failure = await firstFailure({ from: 1, seeds: SEEDS_FOR_A_BUG, bug })
        missed ||= failure === undefined
        console.log(`| \`${bug}\` | ${what} | ${failure?.plan.seed ?? 'not caught'} | ${failure?.failures[0] ?? ''} |`)
      }
      return missed
    },
  }
}

const SCENARIOS: readonly Command[] = [commandOf(BOOKS), commandOf(ORDERS), commandOf(NOTICES)]

/** The rooms that are asked for: the one named, the one that has the bug, or all. */
function scenariosOf(scenario: string | undefined, bug: string | undefined): readonly Command[] {
  const named = SCENARIOS.filter(({ name }) => scenario === undefined || name === scenario)
  if (named.length === 0)
    throw new UsageError(`unknown room "${scenario}". Rooms: ${SCENARIOS.map(({ name }) => name).join(', ')}`)
  const having = named.filter(({ bugs }) => bug === undefined || bugs[bug] !== undefined)
  if (having.length > 0) return having
  throw new UsageError(`unknown bug "${bug}". Bugs: ${named.flatMap(({ bugs }) => Object.keys(bugs)).join(', ')}`)
}

await runCommand('simulate', async () => {
  const { values } = argumentsOf('simulate', {
    seeds: { type: 'string', default: SEEDS_DEFAULT },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    room: { type: 'string' },
    bug: { type: 'string' },
    bugs: { type: 'boolean', default: false },
  })
  const { bug } = values
  const [from, seeds] = [wholeNumber('from', values.from), wholeNumber('seeds', values.seeds)]
  const seed = values.seed === undefined ? undefined : wholeNumber('seed', values.seed)
  let wrong = false
  for (const { search, show, table } of scenariosOf(values.room, bug)) {
    const found = values.bugs ? table() : seed === undefined ? search(from, seeds, bug) : show(seed, bug)
    wrong = (await found) || wrong
  }
  return wrong ? 1 : 0
})
