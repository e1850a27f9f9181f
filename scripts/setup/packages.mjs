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

export const packagesStep = {
  title: 'packages',
  /** Our marker says which lock was installed; without one, a tree that is newer than the lock was made by hand with npm. */
  isDone: ({ root }) => {
    const tree = join(root, 'node_modules', '.package-lock.json')
    if (!existsSync(tree)) return false
    if (existsSync(markerFile(root))) return readFileSync(markerFile(root), 'utf8') === wanted(root)
    return statSync(tree).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
  },
  /** With the development packages whatever NODE_ENV says: the embedded PostgreSQL is one of them. */
  run: async ({ root, log }) => {
    await npm(['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'], { cwd: root, log })
    writeFileSync(markerFile(root), wanted(root))
  },
}
