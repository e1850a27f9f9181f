import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLeaving } from '../scripts/leaving.ts'
import { SERVICE_NAMES, type Service } from '../tests/stage/services.ts'
import { against } from './against.ts'
import type { Bench, Group } from './context.ts'
import { createBench } from './create-bench.ts'
import { describeMachine, fsyncMs } from './machine.ts'
import { type BenchOptions, parseOptions, ROW_NAMES, type RowName, UsageError } from './options.ts'
import type { MeasuredProcess } from './processes.ts'
import { summariseProfiles } from './profile.ts'
import { verdictsOn } from './reach.ts'
import type { RowResult } from './result.ts'
import { backlogGroup } from './rows/backlog.ts'
import { flowGroup } from './rows/flow.ts'
import { importGroup } from './rows/import.ts'
import { ordersGroup } from './rows/orders.ts'
import { postGroup } from './rows/post.ts'
import { readGroup } from './rows/read.ts'
import { toldGroup } from './rows/told.ts'
import { tracedGroup } from './rows/traced.ts'
import type { Database } from './servers.ts'
import { formatTable } from './table.ts'

const GROUPS: readonly Group[] = [
  postGroup,
  tracedGroup,
  importGroup,
  readGroup,
  backlogGroup,
  ordersGroup,
  flowGroup,
  toldGroup,
]
const PROF_FOLDER = join(import.meta.dirname, '..', '.fluxo', 'prof')
const FSYNC_WARN_MS = 0.005

type Outcome = { results: RowResult[]; failures: string[]; machine: string[] }

const say = (line: string): void => console.error(`bench: ${line}`)

/** Runs every group that has a row to measure. A group that fails is told of, and the others run all the same. */
const runGroups = async (bench: Bench, failures: string[]): Promise<void> => {
  for (const group of GROUPS) {
    if (!group.rows.some((row) => bench.options.only.has(row))) continue
    try {
      await group.run(bench).finally(bench.stopServices)
    } catch (error) {
      bench.check()
      failures.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
      say(`failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

type Leaving = ReturnType<typeof createLeaving>

const measure = async (options: BenchOptions, leaving: Leaving): Promise<Outcome> => {
  const parent = options.dir ?? tmpdir()
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'fluxo-bench-'))
  leaving.opened(() => rm(folder, { recursive: true, force: true }))
  const diskMs = await fsyncMs(folder)
  if (diskMs < FSYNC_WARN_MS) say(`fsync takes ${diskMs.toFixed(3)} ms in ${parent}: is that a disk?`)
  const results: RowResult[] = []
  const failures: string[] = []
  const bench = await createBench({ options, folder, leaving, results, say })
  const machine = [...describeMachine(), `fsync ${diskMs.toFixed(3)} ms`, bench.servers.durability, bench.load.name]
  say(machine.join(' · '))
  await fillCompileCache(bench)
  await runGroups(bench, failures)
  return { results, failures, machine }
}

/** A service that was never started on this checkout parses its TypeScript once; that is not what is measured. */
const fillCompileCache = async ({ start, stopServices, servers }: Bench): Promise<void> => {
  const databases: Database[] = []
  const asks: Partial<Record<Service, MeasuredProcess>> = {}
  for (const service of SERVICE_NAMES) {
    const database = await servers.createDatabase(service)
    databases.push(database)
    asks[service] = await start.service(service, database, { asks })
  }
  await stopServices()
  for (const database of databases) await servers.dropDatabase(database)
}

const notMeasured = (options: BenchOptions, results: readonly RowResult[]): RowName[] =>
  ROW_NAMES.filter((name) => options.only.has(name) && !results.some(({ row }) => row === name))

const writeJson = async (file: string, { machine, results, failures }: Outcome): Promise<void> => {
  const rows = results.map((result) => ({ ...result, reach: verdictsOn(result) }))
  await writeFile(file, `${JSON.stringify({ at: new Date().toISOString(), machine, rows, failures }, null, 2)}\n`)
}

/** Prints what was measured; true where every row was, and every answer was right. */
const conclude = async (options: BenchOptions, outcome: Outcome): Promise<boolean> => {
  const { results, failures, machine } = outcome
  const missing = notMeasured(options, results)
  console.log(machine.join(' · '))
  if (results.length > 0) console.log(formatTable(results))
  for (const row of missing) console.log(`  ${row}: not measured`)
  for (const failure of failures) console.error(failure)
  if (options.prof !== undefined) console.log(await summariseProfiles(options.prof))
  if (options.json !== undefined) await writeJson(options.json, outcome)
  return missing.length === 0 && failures.length === 0 && results.every(({ errors }) => errors.length === 0)
}

const compare = (options: BenchOptions, folder: string, { opened }: Leaving): Promise<string> => {
  const { only, seconds, entries, lines, plain, dir } = options
  const args = [
    ...['--only', [...only].join(','), '--entries', String(entries), '--lines', String(lines)],
    ...(seconds === undefined ? [] : ['--seconds', String(seconds)]),
    ...(plain ? ['--plain'] : []),
    ...(dir === undefined ? [] : ['--dir', dir]),
  ]
  return against({ folder, rounds: options.samples, args, opened, say })
}

/** Runs the bench; resolves the exit code. Nothing is left behind, also not after Ctrl-C. */
const main = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(await readFile(join(import.meta.dirname, 'help.txt'), 'utf8'))
    return 0
  }
  const options = parseOptions(argv, PROF_FOLDER)
  const leaving = createLeaving({ say })
  try {
    if (options.against !== undefined) {
      const table = await Promise.race([compare(options, options.against, leaving), leaving.asked])
      if (table !== undefined) console.log(table)
      return table === undefined ? 130 : 0
    }
    const outcome = await Promise.race([measure(options, leaving), leaving.asked.then(() => undefined)])
    await leaving.close()
    if (outcome === undefined) return 130
    return (await conclude(options, outcome)) ? 0 : 1
  } finally {
    await leaving.close()
  }
}

if (import.meta.main) {
  try {
    process.exit(await main(process.argv.slice(2)))
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
    if (error instanceof UsageError) console.error('See: npm run bench -- --help')
    process.exit(error instanceof UsageError ? 2 : 1)
  }
}
