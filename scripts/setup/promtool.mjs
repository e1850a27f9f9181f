import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { outputOf, run } from './commands.mjs'

const APT = '/usr/bin/apt-get'
/** Where there is none today, there may be one tomorrow. */
const RETRY_AFTER_MS = 24 * 3_600_000

const program = (root) => join(root, '.fluxo', 'bin', 'promtool')
/** Why there is no promtool here; the test of the alert rules prints it. */
const reasonFile = (root) => join(root, '.fluxo', 'promtool-missing')

const saidRecently = (root) => {
  const file = reasonFile(root)
  return existsSync(file) && Date.now() - statSync(file).mtimeMs < RETRY_AFTER_MS
}

/** Takes the one program out of Debian's package `prometheus`. Nothing is installed, so no service can start, and nobody need be root. */
const fromDebian = async (root, log) => {
  const folder = join(root, '.fluxo', 'promtool')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  try {
    await run('apt-get', ['download', 'prometheus'], { cwd: folder, log })
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb'))
    await run('dpkg-deb', ['-x', archive, 'content'], { cwd: folder, log })
    mkdirSync(join(root, '.fluxo', 'bin'), { recursive: true })
    renameSync(join(folder, 'content', 'usr', 'bin', 'promtool'), program(root))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** promtool checks the alert rules. Without it only that test is left out, so this step never fails. */
export const promtoolStep = {
  title: 'promtool',
  isDone: async ({ root }) =>
    existsSync(program(root)) || saidRecently(root) || (await outputOf('promtool', ['--version'])) !== undefined,
  announce: () =>
    existsSync(APT)
      ? 'promtool, for the test of the alert rules, is taken out of a package of this system (apt-get download prometheus) into .fluxo/bin; nothing is installed. To avoid that, have promtool on PATH.'
      : undefined,
  run: async ({ root, log }) => {
    try {
      if (!existsSync(APT)) throw new Error('it is taken from a Debian package, and this is no Debian')
      await fromDebian(root, log)
      rmSync(reasonFile(root), { force: true })
    } catch (error) {
      writeFileSync(reasonFile(root), `promtool could not be brought here: ${error.message}\n`)
    }
  },
}
