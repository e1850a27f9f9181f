import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from './source-files.ts'

/** `[file](path) "name of a test"`; the name may stand on the next line. */
const PROOF = /\[[^\]]+\]\(([^)]+)\)\s+"([^"]+)"/g

/** Each document with the first words of the table whose rows are promises. */
const DOCUMENTS = [
  { document: 'docs/promises.md', head: '| if…' },
  { document: 'SECURITY.md', head: '| promise' },
  { document: 'SECURITY.md', head: '| pool' },
]

describe.each(DOCUMENTS)('$document $head', ({ document, head }) => {
  const text = readFileSync(join(root, document), 'utf8')
  const proofs = [...text.matchAll(PROOF)].map(([, path = '', name = '']) => ({ path, name }))

  test.each(proofs)('$name is a test of $path', ({ path, name }) => {
    expect(readFileSync(join(root, dirname(document), path), 'utf8')).toContain(name)
  })

  test('every promise has its proof', () => {
    const [, table = ''] = text.split(`\n${head}`)
    const rows = (table.split('\n\n')[0] ?? '').split('\n').filter((line) => line.startsWith('| '))
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) expect(row.matchAll(PROOF).next().done, row).toBe(false)
  })
})
