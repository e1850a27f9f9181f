import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fluxo-install-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A program of this name that says in `said` how it was called, and fails: nothing is installed on the machine that tests. */
const refusing = (name: string): void => {
  const file = join(folder, 'bin', name)
  writeFileSync(file, `#!/bin/sh\necho "called: ${name} $*" >> "${join(folder, 'said')}"\nexit 1\n`)
  chmodSync(file, 0o755)
}

/** Runs one step as the launcher does, where no Redis and no promtool is on PATH; what it says and what it calls, in order. */
const install = (step: 'redis' | 'promtool'): string => {
  mkdirSync(join(folder, 'bin'))
  for (const name of ['apt-get', 'sudo']) refusing(name)
  symlinkSync('/bin/sh', join(folder, 'bin', 'sh'))
  const said = openSync(join(folder, 'said'), 'a')
  const code = `
    import { mkdirSync } from 'node:fs'
    import { runSteps } from ${JSON.stringify(join(import.meta.dirname, 'install.mjs'))}
    import { ${step}Step } from ${JSON.stringify(join(import.meta.dirname, `${step}.mjs`))}
    mkdirSync('.fluxo/logs', { recursive: true })
    await runSteps([${step}Step], { root: process.cwd() }).catch(() => {})
  `
  const env = { PATH: join(folder, 'bin') }
  spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: folder,
    env,
    stdio: ['ignore', said, said],
  })
  return readFileSync(join(folder, 'said'), 'utf8')
}

describe.runIf(existsSync('/usr/bin/apt-get'))(
  'before apt does anything, the terminal says what, and how to avoid it',
  () => {
    test.runIf(process.getuid?.() === 0)('Redis', () => {
      const lines = install('redis').split('\n')
      expect(lines[0]).toMatch(/apt-get install redis-tools, as root.*redis-server or valkey-server.*REDIS_URL/)
      expect(lines.findIndex((line) => line.startsWith('called: apt-get install'))).toBeGreaterThan(0)
    })

    test('promtool', () => {
      const lines = install('promtool').split('\n')
      expect(lines[0]).toMatch(/apt-get download prometheus.*nothing is installed/)
      expect(lines.findIndex((line) => line.startsWith('called: apt-get download prometheus'))).toBeGreaterThan(0)
    })
  },
)
