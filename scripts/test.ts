import { spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { root } from './data-folder.ts'

const REPORT = join(root, '.vitest', 'report.json')
const COVERAGE = join(root, 'coverage', 'coverage-summary.json')
/** The promise of the project; vitest.config.ts enforces the same number. */
const COVERAGE_LINES_MIN = 90
/** Both are cached by turbo: unchanged files are not checked twice. */
const CHECKS = ['typecheck', 'lint'] as const

type Count = { passed: number; failed: number }

const ReportSchema = z.object({ numPassedTests: z.number(), numFailedTests: z.number() })
const CoverageSchema = z.object({ total: z.object({ lines: z.object({ pct: z.number() }) }) })

const run = (program: string, args: readonly string[]): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: 'inherit' })
    // Ctrl-C reaches the child too: we only wait for it.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
    child.once('error', (error) => {
      console.error(`fluxo: ${program}: ${error.message}`)
      resolve(1)
    })
    child.once('exit', (code) => resolve(code ?? 1))
  })

const check = async (name: string): Promise<Count> => {
  const code = await run('turbo', ['run', name, '--output-logs=errors-only', '--ui=stream', '--no-update-notifier'])
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

const readJson = async <T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> => {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : schema.parse(JSON.parse(text))
}

/** One run of all three lanes: coverage needs them together. A failure that belongs to no test (a file that does not load) counts as one. */
const tests = async (args: readonly string[], covered: boolean): Promise<Count> => {
  await Promise.all([rm(REPORT, { force: true }), rm(COVERAGE, { force: true })])
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`]
  const code = await run('vitest', ['run', ...(covered ? ['--coverage'] : []), ...reporters, ...args])
  const report = await readJson(REPORT, ReportSchema)
  const count: Count = { passed: report?.numPassedTests ?? 0, failed: report?.numFailedTests ?? 0 }
  let lowCoverage = false
  if (covered) {
    const lines = (await readJson(COVERAGE, CoverageSchema))?.total.lines.pct
    lowCoverage = lines === undefined || lines < COVERAGE_LINES_MIN
    count[lowCoverage ? 'failed' : 'passed'] += 1
    console.log(`Coverage of apps/ and shared/: ${lines ?? 'unknown'} % of lines, at least ${COVERAGE_LINES_MIN} %`)
  }
  if (code !== 0 && count.failed === 0) count.failed = 1
  return count
}

const args = process.argv.slice(2)
const filtered = args.length > 0
const counts: Count[] = []
if (!filtered) for (const name of CHECKS) counts.push(await check(name))
counts.push(await tests(args, !filtered))
const passed = counts.reduce((sum, count) => sum + count.passed, 0)
const failed = counts.reduce((sum, count) => sum + count.failed, 0)
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
