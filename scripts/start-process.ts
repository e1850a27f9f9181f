import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { waitFor } from '../tests/stage/wait-for.ts'
import { root } from './data-folder.ts'

export type Started = {
  child: ChildProcess & { pid: number }
  output: () => string
  /** The calls that it printed. */
  curls: () => string[]
}

/** What it prints at the end of a start that went well. */
export const READY = /curl .*consolidado\//

/** Starts `scripts/<file>` (`run.mjs start` is what `npm start` runs) in a process group of its own, and waits for what it prints. */
export const startFluxo = async (options: {
  folder: string
  port: number
  file?: 'start.ts' | 'run.mjs'
  until?: RegExp
  env?: Readonly<Record<string, string>>
}): Promise<Started> => {
  const { folder, port, file = 'start.ts', until = READY, env = {} } = options
  const child = spawn(process.execPath, [join(root, 'scripts', file), ...(file === 'run.mjs' ? ['start'] : [])], {
    cwd: root,
    detached: true,
    env: { ...process.env, FLUXO_DATA: folder, PORT: String(port), ...env },
  }) as ChildProcess & { pid: number }
  let output = ''
  const add = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout?.on('data', add)
  child.stderr?.on('data', add)
  await waitFor(() => until.test(output) || child.exitCode !== null, { timeoutMs: 60_000, what: String(until) })
  expect(output).toMatch(until)
  return { child, output: () => output, curls: () => output.split('\n').filter((line) => line.startsWith('curl ')) }
}

/** The process ids of the PostgreSQL and the Redis of a data folder. */
export const serverPids = async (folder: string): Promise<{ postgres: number; redis: number }> => ({
  postgres: Number((await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]),
  redis: Number(await readFile(join(folder, 'redis', 'redis.pid'), 'utf8')),
})

/** The process id of the services, which is not the launcher's. */
export const servicesPid = async (folder: string): Promise<number> =>
  JSON.parse(await readFile(join(folder, 'running.json'), 'utf8')).pid

/** The children of a process whose command line has `text`. */
export const childrenOf = async (pid: number, text: string): Promise<number[]> => {
  const { stdout } = await promisify(execFile)('ps', ['-Ao', 'pid=,ppid=,command='])
  return stdout.split('\n').flatMap((line) => {
    const [, child, parent, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    return Number(parent) === pid && command.includes(text) ? [Number(child)] : []
  })
}
