import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const DOCS = join(import.meta.dirname, '..', 'docs')
const PROMISES = readFileSync(join(DOCS, 'promises.md'), 'utf8')
/** `[file](path) "name of a test"`; the name may stand on the next line. */
const PROOF = /\[[^\]]+\]\(([^)]+)\)\s+"([^"]+)"/g

const proofs = [...PROMISES.matchAll(PROOF)].map(([, path = '', name = '']) => ({ path, name }))

test.each(proofs)('$name is a test of $path', ({ path, name }) => {
  expect(readFileSync(join(DOCS, path), 'utf8')).toContain(name)
})

test('every promise has its proof', () => {
  const rows = PROMISES.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| if…'))
  expect(rows.length).toBeGreaterThan(0)
  for (const row of rows) expect(row.matchAll(PROOF).next().done, row).toBe(false)
})
