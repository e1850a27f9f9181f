import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../../scripts/local/free-port.ts'
import { waitGone } from '../../../scripts/local/own-process.ts'
import { waitFor } from '../../stage/wait-for.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const tutorial = readFileSync(join(root, 'docs/tutorial.pt-BR.md'), 'utf8')

/** A block of commands, and the block of output after it, where there is one. */
type Step = { commands: string; output: string | undefined }

const BLOCK = /^```sh\n([\s\S]*?)^```\n(?:\n```(?:json|text)\n([\s\S]*?)^```\n)?/gm
const steps: Step[] = [...tutorial.matchAll(BLOCK)].map(([, commands = '', output]) => ({ commands, output }))

/** What differs from run to run: ids, times, today. */
const steady = (text: string): string =>
  text
    .replaceAll('\ufeff', '')
    .replaceAll('\r\n', '\n')
    .replaceAll(/[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/"data":"2[^"]+","total/g, '"data":"<day>","total')
    .trim()

let folder = ''
let system: ChildProcess & { pid: number }
let shell: ChildProcess & { pid: number }
let ports: { product: number; receiver: number }

/** The tutorial's addresses, on this run's ports. */
const here = (text: string): string =>
  text
    .replaceAll('localhost:8080', `localhost:${ports.product}`)
    .replaceAll(/(127\.0\.0\.1|localhost):3000/g, `$1:${ports.receiver}`)

const gather = (child: ChildProcess) => {
  let output = ''
  const add = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout?.on('data', add)
  child.stderr?.on('data', add)
  return () => output
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fluxo-tutorial-'))
  await symlink(join(root, 'docs'), join(folder, 'docs'))
  ports = { product: await freePort(), receiver: await freePort() }
  const env = { ...process.env, FLUXO_DATA: join(folder, 'data'), PORT: String(ports.product) }
  system = spawn(process.execPath, [join(root, 'scripts/start.ts')], {
    cwd: root,
    env: { ...env, AVISOS_LOOPBACK: 'true' },
  }) as typeof system
  const welcome = gather(system)
  await waitFor(() => /curl .*consolidado\//.test(welcome()), { timeoutMs: 60_000, what: 'the product is ready' })
  const TOKEN = /^Token of .*\n(\S+)$/m.exec(welcome())?.[1]
  shell = spawn('bash', ['-s'], {
    cwd: folder,
    detached: true,
    env: { ...process.env, TOKEN, PORTA: String(ports.receiver) },
  }) as typeof shell
})

afterAll(async () => {
  // Its own group: the receiver runs in its background.
  if (shell?.pid) process.kill(-shell.pid, 'SIGKILL')
  if (system?.pid) {
    system.kill('SIGTERM')
    await waitGone(system.pid, 10_000)
  }
  await rm(folder, { recursive: true, force: true })
})

test('the tutorial has the steps that are tried here', () => {
  expect(steps.length).toBeGreaterThanOrEqual(8)
  expect(steps.filter(({ output }) => output === undefined)).toHaveLength(1)
})

test('each block of the tutorial does what is written under it', async () => {
  const output = gather(shell)
  let seen = 0
  for (const [index, step] of steps.entries()) {
    const mark = `end of block ${index}`
    shell.stdin?.write(`${here(step.commands)}\necho; echo "${mark}"\n`)
    await waitFor(() => output().includes(mark), { timeoutMs: 60_000, what: `block ${index}: ${step.commands}` })
    const answer = output().slice(seen, output().indexOf(mark))
    seen = output().indexOf(mark) + mark.length
    if (step.output !== undefined) expect(steady(answer), step.commands).toBe(steady(here(step.output)))
  }
})
