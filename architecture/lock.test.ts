import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './source-files.ts'

type Dependencies = Readonly<Record<string, string>>
type Manifest = { dependencies?: Dependencies; devDependencies?: Dependencies; optionalDependencies?: Dependencies }

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
