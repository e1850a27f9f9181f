import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { VERSION } from '@fluxo/shared/process/version'
import { expect, test } from 'vitest'
import { root } from './source-files.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const folders = ['.', 'shared', 'drizzle', ...readdirSync(join(root, 'apps')).map((name) => `apps/${name}`)]

test.each(folders)('the package in %s has the version that the changelog ends its newest release with', (folder) => {
  const newest = /^## (\d+\.\d+\.\d+) /m.exec(read('CHANGELOG.md'))?.[1]
  expect(newest).toBe(VERSION)
  expect(JSON.parse(read(join(folder, 'package.json'))).version).toBe(VERSION)
})

test('the API document has it too', () => {
  expect(JSON.parse(read('docs/openapi.json')).info.version).toBe(VERSION)
})
