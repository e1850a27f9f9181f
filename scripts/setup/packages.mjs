import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npm } from './commands.mjs'

const markerFile = (root) => join(root, 'node_modules', '.fluxo-packages')

const wanted = (root) =>
  createHash('sha256')
    .update(`${process.platform} ${process.arch} `)
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')

/** The packages whose install scripts may run, by name, of those that this machine has. */
const scripted = (root) =>
  Object.entries(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).allowScripts)
    .filter(([name, allowed]) => allowed && existsSync(join(root, 'node_modules', name)))
    .map(([name]) => name)

export const packagesStep = {
  title: 'packages',
  /** Our marker says which lock was installed; without one, a tree that is newer than the lock was made by hand with npm. */
  isDone: ({ root }) => {
    const tree = join(root, 'node_modules', '.package-lock.json')
    if (!existsSync(tree)) return false
    if (existsSync(markerFile(root))) return readFileSync(markerFile(root), 'utf8') === wanted(root)
    return statSync(tree).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
  },
  /**
   * With the development packages whatever NODE_ENV says: the embedded PostgreSQL is one of them. Nobody's scripts run but of those
   * that `allowScripts` names, also under an npm that does not know it yet and would run them all.
   */
  run: async ({ root, log }) => {
    const quiet = ['--no-audit', '--no-fund']
    await npm(['ci', '--include=dev', '--include=optional', '--ignore-scripts', ...quiet], { cwd: root, log })
    await npm(['rebuild', ...scripted(root)], { cwd: root, log })
    writeFileSync(markerFile(root), wanted(root))
  },
}
