import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { argumentsOf, runCommand, UsageError } from './cli.ts'
import { root } from './data-folder.ts'

const OPTIONS = { requests: { type: 'string' }, seed: { type: 'string' }, at: { type: 'string' } } as const
const NUMBER = /^\d{1,9}$/

/** Fuzzes real services: vitest starts PostgreSQL and Redis as for every end-to-end test. */
await runCommand('fuzz', async () => {
  const { values } = argumentsOf('fuzz', OPTIONS)
  const env = { ...process.env }
  for (const [name, value] of Object.entries(values)) {
    if (!NUMBER.test(value)) throw new UsageError(`--${name} takes a whole number, not "${value}"`)
    env[`FLUXO_FUZZ_${name.toUpperCase()}`] = value
  }
  const child = spawn('vitest', ['run', '--project', 'e2e', 'tests/fuzz'], { cwd: root, env, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  const [code] = await once(child, 'exit')
  return typeof code === 'number' ? code : 1
})
