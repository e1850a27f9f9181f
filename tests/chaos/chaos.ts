import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../../scripts/cli.ts'
import { root } from '../../scripts/data-folder.ts'
import { createLeaving } from '../../scripts/leaving.ts'
import { createRandom } from '../stage/random.ts'
import { createCarefulClient } from './client.ts'
import { createDriver } from './driver.ts'
import { describeAim } from './faults/fault.ts'
import { createAuditor } from './ledger.ts'
import { createModel } from './model.ts'
import { type ChaosOptions, readOptions } from './options.ts'
import { createOrders } from './orders/orders.ts'
import { planOf, type Round } from './plan.ts'
import { formatOrders, formatReport, type RoundResult } from './report.ts'
import { type Ground, playRound, problemsOf } from './round.ts'
import { sweepSmallDisks } from './small-disk.ts'
import { verifyAll } from './verify.ts'
import { startWorld, type World } from './world.ts'

/** Modest, since one machine carries all servers, seven instances and the clients. */
const RATES = { writesPerSecond: 45, readsPerSecond: 15, ordersPerSecond: 6 }
/** Of one round: one cause has many effects. */
const PROBLEMS_SHOWN_MAX = 12
const LISTENERS_MAX = 50
const LOGS = join(root, '.fluxo', 'logs')

type Leaving = ReturnType<typeof createLeaving>
type Outcome = { rounds: RoundResult[]; problems: string[]; skipped: string[] }

const say = (line: string): void => console.error(`chaos: ${line}`)

const describe = ({ fault, aim, also }: Round): string =>
  [{ fault, aim }, ...(also ? [also] : [])]
    .map((one) => `${one.fault.name} (${describeAim(one.fault, one.aim)})`)
    .join(' and ')

const playAll = async (options: ChaosOptions, ground: Ground, outcome: Outcome, leaving: Leaving): Promise<void> => {
  const deadline = performance.now() + options.minutes * 60_000
  const possible = options.faults.filter(({ name, impossible }) => {
    const reason = impossible?.(ground.world)
    if (reason !== undefined) outcome.skipped.push(`${name} was left out: ${reason}`)
    return reason === undefined
  })
  for (const round of planOf(options.seed, possible)) {
    leaving.check()
    if (performance.now() > deadline) break
    const { result, problems, exact } = await playRound(ground, round)
    outcome.rounds.push(result)
    const number = outcome.rounds.length
    const end = result.exactSeconds === undefined ? 'NOT EXACT' : `exact after ${result.exactSeconds.toFixed(1)} s`
    say(`${number}. ${describe(round)}: ${result.requests} requests, ${result.refused} refused, ${end}`)
    for (const problem of problems.slice(0, PROBLEMS_SHOWN_MAX)) say(`   ${problem}`)
    outcome.problems.push(
      ...problems.slice(0, PROBLEMS_SHOWN_MAX).map((problem) => `${number}. ${round.fault.name}: ${problem}`),
    )
    // What follows would only be judged by the same difference again.
    if (!exact) return
  }
  for (const audit of [ground.orders.audit, ground.audit])
    outcome.problems.push(...problemsOf(await audit({ fromStart: true })).map((what) => `in the end: ${what}`))
  outcome.problems.push(...(await verifyAll(ground.world)).map((what) => `npm run verify: ${what}`))
}

const logsOf = ({ seed }: ChaosOptions): string => join(LOGS, `chaos-${seed}`)

/** Keeps what the servers said beside what the services said: their own disks are gone in the end. */
const keepServerLogs = async ({ postgres }: World, folder: string, logs: string): Promise<void> => {
  for (const { service, disk } of Object.values(postgres)) {
    const file = `postgres-${service}.log`
    await cp(join(typeof disk === 'string' ? folder : disk.dir, file), join(logs, file)).catch(() => {})
  }
  await cp(join(folder, 'redis.log'), join(logs, 'redis.log')).catch(() => {})
}

const run = async (options: ChaosOptions, leaving: Leaving, outcome: Outcome): Promise<void> => {
  const logs = logsOf(options)
  await sweepSmallDisks()
  const folder = await mkdtemp(join(tmpdir(), 'fluxo-chaos-'))
  leaving.opened(() => rm(folder, { recursive: true, force: true }))
  await rm(logs, { recursive: true, force: true })
  await mkdir(logs, { recursive: true })
  const world = await startWorld({ folder, logs }, leaving.opened)
  const model = createModel()
  const client = createCarefulClient(world.token)
  const { opened } = leaving
  const orders = await createOrders({ world, client, model, random: createRandom(options.seed, 'orders'), opened })
  const random = createRandom(options.seed, 'driver')
  const driver = createDriver({ world, client, model, orders, random, rates: RATES })
  leaving.opened(driver.stop)
  const audit = createAuditor(world.postgres.lancamentos.sql, model)
  try {
    await playAll(options, { world, client, driver, model, orders, audit }, outcome, leaving)
  } catch (error) {
    leaving.check()
    outcome.problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  if (outcome.problems.length > 0) await keepServerLogs(world, folder, logs)
}

/** Prints the table and what was wrong; true where nothing was. */
const conclude = async (options: ChaosOptions, { rounds, problems, skipped }: Outcome): Promise<boolean> => {
  console.log(`\nSeed ${options.seed}, ${options.minutes} minutes, ${rounds.length} rounds\n`)
  const names = options.faults.map(({ name }) => name)
  console.log(`${formatReport(names, rounds)}\n\n${formatOrders(names, rounds)}`)
  for (const line of [...skipped, ...problems]) console.log(line)
  if (problems.length === 0) await rm(logsOf(options), { recursive: true, force: true })
  else console.log(`what services and servers said: ${logsOf(options)}`)
  if (options.json !== undefined) {
    const document = {
      at: new Date().toISOString(),
      seed: options.seed,
      minutes: options.minutes,
      rounds,
      problems,
      skipped,
    }
    await writeFile(options.json, `${JSON.stringify(document, null, 2)}\n`)
  }
  return problems.length === 0 && rounds.length > 0
}

// Every server and service that is running has a listener for the end of this process.
process.setMaxListeners(LISTENERS_MAX)

await runCommand('test:chaos', async () => {
  const options = readOptions()
  const outcome: Outcome = { rounds: [], problems: [], skipped: [] }
  const leaving = createLeaving({ say })
  say(`seed ${options.seed}: the same plan again with --seed ${options.seed}`)
  const asked = leaving.asked.then(() => 'asked' as const)
  const ended = await Promise.race([run(options, leaving, outcome), asked]).finally(leaving.close)
  const good = await conclude(options, outcome)
  if (ended === 'asked') process.exit(130)
  if (!good) process.exit(1)
})
