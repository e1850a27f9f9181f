import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { RoundResult } from './report.ts'

/** With starting, the last round and the checks in the end some 75 s. */
const MINUTES = '1'
const TIMEOUT_MS = 240_000
const ROUNDS_MIN = 3
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024

/** Runs Node, and resolves with all that it said; the time limit is only against one that hangs. */
const run = (args: readonly string[]) =>
  new Promise<{ code: number | string | null; output: string }>((resolve) => {
    const options = { encoding: 'utf8', timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX } as const
    const child = execFile(process.execPath, args, options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? child.signalCode, output: `${stdout}\n${stderr}` }),
    )
  })

let folder = ''
afterEach(() => rm(folder, { recursive: true, force: true }))

test('whatever breaks for a moment, nothing is lost, nothing is twice, and all is exact again', async () => {
  folder = await mkdtemp(join(tmpdir(), 'fluxo-chaos-test-'))
  const json = join(folder, 'chaos.json')
  const options = ['--minutes', MINUTES, '--seed', '20', '--short', '--json', json]
  const { code, output } = await run([join(import.meta.dirname, 'chaos.ts'), ...options])
  expect(code, output).toBe(0)
  const { rounds, problems }: { rounds: RoundResult[]; problems: string[] } = JSON.parse(readFileSync(json, 'utf8'))
  expect(problems).toEqual([])
  expect(rounds.length).toBeGreaterThanOrEqual(ROUNDS_MIN)
  const nothing = { lost: 0, duplicated: 0 }
  for (const round of rounds)
    expect(round).toMatchObject({ ...nothing, exactSeconds: expect.any(Number), orders: nothing })
  // What was not tried proves nothing.
  for (const tried of ['orders', 'moves', 'paid', 'events'] as const)
    expect(
      rounds.reduce((sum, round) => sum + round.orders[tried], 0),
      tried,
    ).toBeGreaterThan(0)
})
