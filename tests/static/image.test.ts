import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './source-files.ts'

const linesOf = (path: string): string[] =>
  readFileSync(join(root, path), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))

/** A pattern of .dockerignore as Docker reads it: `*` stops at a slash, `**` does not, and a folder stands for all that is in it. */
const expressionOf = (pattern: string): RegExp => {
  const text = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**/', '\u0001')
    .replaceAll('*', '[^/]*')
    .replaceAll('\u0001', '(?:.*/)?')
  return new RegExp(`^${text}(?:/|$)`)
}

/** Whether the engine gets to see a file of the repository: the last line that speaks of it decides. */
const isSent = (path: string, lines: readonly string[] = linesOf('.dockerignore')): boolean =>
  lines.reduce((sent, line) => {
    const negated = line.startsWith('!')
    return expressionOf(negated ? line.slice(1) : line).test(path) ? negated : sent
  }, true)

test.each([
  '.env',
  '.env.local',
  '.fluxo/secrets.json',
  '.git/config',
  '.npmrc',
  'apps/lancamentos/.env',
  'apps/tudo/.fluxo/secrets.json',
  'scripts/.npmrc',
  'shared/http/jwks.pem',
  'apps/consolidado/src/tls.key',
  'deploy/kubernetes/example/secrets.env',
  'apps/lancamentos/src/app.test.ts',
  'apps/lancamentos/test/test-app.ts',
  'tests/stage/services.ts',
  'scripts/openapi.ts',
  'scripts/openapi/document.ts',
  'docs/openapi.released.json',
  'tests/stage/system.ts',
  'node_modules/hono/package.json',
])('%s never reaches an image', (path) => {
  expect(isSent(path)).toBe(false)
})

test.each([
  'package-lock.json',
  'docs/openapi.json',
  'apps/lancamentos/src/main.ts',
  'shared/http/auth.ts',
  'drizzle/lancamentos/schema.ts',
])('%s does', (path) => {
  expect(isSent(path)).toBe(true)
})

test('nginx serves every file of the page at /docs', () => {
  const [, assets = ''] = /ASSETS[^{]*\{([^}]+)\}/.exec(readFileSync(join(root, 'shared/http/docs.ts'), 'utf8')) ?? []
  const names = [...assets.matchAll(/'([^']+)':/g)].map(([, name = '']) => name)
  const [copied] = linesOf('Dockerfile').filter((line) => line.includes(' cp '))
  expect(names.length).toBeGreaterThan(0)
  expect(copied?.trim()).toBe(`&& cp ${names.join(' ')} /files/docs \\`)
})

test('a file that names a folder keeps out what is in it, and a later line wins', () => {
  expect(isSent('a/b/c', ['a'])).toBe(false)
  expect(isSent('a/b/c', ['*', '!a'])).toBe(true)
  expect(isSent('a/b/.c', ['*', '!a', '**/.*'])).toBe(false)
})

test('the image is made without secrets, and without running anybody’s install scripts', () => {
  const lines = linesOf('Dockerfile')
  expect(lines.filter((line) => /^ARG\b|SECRET|PASSWORD|TOKEN|--mount|^COPY (--\S+ )*\.\/? /i.test(line))).toEqual([])
  const installs = lines.filter((line) => /\bnpm (ci|i|install|rebuild)\b/.test(line))
  expect(installs.length).toBeGreaterThan(0)
  for (const line of installs) expect(line).toContain('--ignore-scripts')
})
