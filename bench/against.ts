import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { median } from './statistics.ts'
import { figure } from './table.ts'

/** What is read of a bench's `--json`, also of an older one that did not add up the CPU time of all processes. */
const RunSchema = z.object({
  rows: z.array(
    z.object({
      row: z.string(),
      unit: z.string(),
      median: z.number(),
      cpuUs: z.number().optional(),
      cpuAllUs: z.number().optional(),
      errors: z.array(z.string()),
    }),
  ),
})
type Measured = z.infer<typeof RunSchema>['rows'][number]
type Pair = { here: Measured; there: Measured }

const HERE = join(import.meta.dirname, '..')
const FIGURES = ['median', 'cpuUs', 'cpuAllUs'] as const
const HEADINGS = ['row', 'figure', 'here', 'there', 'here ÷ there', 'of each round']

type AgainstOptions = {
  folder: string
  rounds: number
  /** Handed on to both benches. */
  args: readonly string[]
  opened: (stop: () => Promise<void>) => void
  say: (line: string) => void
}

const ended = (child: ChildProcess): Promise<number | NodeJS.Signals | null> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.exitCode ?? child.signalCode)
    : new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)))

/** Runs the bench of one checkout, with servers of its own, and reads its figures. */
const runIn = async (checkout: string, { args, opened }: AgainstOptions): Promise<Measured[]> => {
  const json = join(tmpdir(), `fluxo-bench-${process.pid}.json`)
  const flags = [join(checkout, 'bench', 'bench.ts'), ...args, '--samples', '1', '--json', json]
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  opened(async () => {
    child.kill()
    await ended(child)
  })
  const end = await ended(child)
  if (end !== 0) throw new Error(`the bench of ${checkout} ended with ${end}:\n${output}`)
  const text = await readFile(json, 'utf8')
  await rm(json)
  return RunSchema.parse(JSON.parse(text)).rows
}

const linesOf = (row: string, pairs: readonly Pair[]): string[][] =>
  FIGURES.flatMap((name) => {
    const known = pairs.flatMap(({ here, there }) => {
      const [ours, theirs] = [here[name], there[name]]
      return ours === undefined || theirs === undefined ? [] : [{ ours, theirs, ratio: ours / theirs }]
    })
    if (known.length === 0) return []
    const middle = (of: 'ours' | 'theirs' | 'ratio') => median(known.map((one) => one[of]))
    const label = { median: pairs[0]?.here.unit ?? '', cpuUs: 'CPU µs, service', cpuAllUs: 'CPU µs, all processes' }
    const rounds = known.map(({ ratio }) => ratio.toFixed(2)).join(' ')
    return [[row, label[name], figure(middle('ours')), figure(middle('theirs')), middle('ratio').toFixed(3), rounds]]
  })

/**
 * Measures rows in this and in another checkout by turns, the one and then the other first, and answers a table of medians.
 *
 * The ratios are made round by round, so that what disturbs the machine for longer than a round disturbs both alike.
 */
export const against = async (options: AgainstOptions): Promise<string> => {
  const pairs = new Map<string, Pair[]>()
  for (let round = 0; round < options.rounds; round += 1) {
    options.say(`round ${round + 1} of ${options.rounds}`)
    const order = round % 2 === 0 ? [HERE, options.folder] : [options.folder, HERE]
    const runs = new Map<string, Measured[]>()
    for (const checkout of order) runs.set(checkout, await runIn(checkout, options))
    for (const here of runs.get(HERE) ?? []) {
      const there = runs.get(options.folder)?.find(({ row }) => row === here.row)
      if (there) pairs.set(here.row, [...(pairs.get(here.row) ?? []), { here, there }])
    }
  }
  const rows = [HEADINGS, ...[...pairs].flatMap(([row, of]) => linesOf(row, of))]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  return rows
    .map((cells) =>
      cells
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
