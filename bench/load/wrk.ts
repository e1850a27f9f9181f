import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Load, type LoadOptions, type LoadResult, MARK, wireText } from './plan.ts'
import { runProgram } from './run-program.ts'

const SCRIPT = join(import.meta.dirname, 'wrk.lua')
/** One thread sends some 60 thousand requests/s, more than one Node process answers, and leaves the second core to the servers. */
const THREADS = 1
/** No answer of ours takes longer; wrk counts what does as an error. */
const TIMEOUT_SECONDS = 10
/** On top of the run itself: connecting, the last answers, the report. */
const GRACE_MS = 20_000

const ResultSchema = z.object({
  requests: z.number(),
  microseconds: z.number(),
  p50: z.number(),
  p99: z.number(),
  max: z.number(),
  errors: z.number(),
})

/** wrk's durations are whole seconds. */
const wholeSeconds = (seconds: number): number => Math.max(1, Math.round(seconds))

const run = async ({ url, plan, connections, seconds, folder }: LoadOptions): Promise<LoadResult> => {
  const name = join(folder, `load-${randomUUID()}`)
  const texts = plan.requests.map((request) => wireText(request, url).replaceAll(MARK, '\x02'))
  await writeFile(`${name}.requests`, texts.join('\x01'))
  if (plan.values) await writeFile(`${name}.values`, plan.values.join('\n'))
  const duration = wholeSeconds(seconds)
  const flags = ['-t', THREADS, '-c', connections, '-d', `${duration}s`, '--timeout', `${TIMEOUT_SECONDS}s`].map(String)
  const args = [`${name}.requests`, String(plan.first), plan.values ? `${name}.values` : '-']
  try {
    const output = await runProgram({
      program: 'wrk',
      args: [...flags, '-s', SCRIPT, url, '--', ...args],
      timeoutMs: duration * 1000 + GRACE_MS,
    })
    const found = /^RESULT (.*)$/m.exec(output)?.[1]
    if (found === undefined) throw new Error(`wrk gave no result: ${output}`)
    const { microseconds, ...result } = ResultSchema.parse(JSON.parse(found))
    const elapsed = microseconds / 1e6
    return { ...result, seconds: elapsed, perSecond: result.requests / elapsed }
  } finally {
    await Promise.all([rm(`${name}.requests`, { force: true }), rm(`${name}.values`, { force: true })])
  }
}

/** The generator `wrk`; `undefined` where it is not installed. */
export const findWrk = (): Promise<Load | undefined> =>
  new Promise((resolve) => {
    // `wrk --version` ends with 1: only that it could be started counts.
    const child = spawn('wrk', ['--version'], { stdio: 'ignore' })
    child.once('error', () => resolve(undefined))
    child.once('close', () => resolve({ name: 'wrk', run }))
  })
