import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import { expect, test } from 'vitest'
import { isTest, root, sourceFiles } from './source-files.ts'

const NUMBERS = /\b7_?264_?\d{3}\b/g
const numbersIn = (text: string): number[] => (text.match(NUMBERS) ?? []).map((n) => Number(n.replaceAll('_', '')))

test('no two kinds of work share an advisory lock', () => {
  const numbers = Object.values(LOCKS)
  expect(new Set(numbers).size).toBe(numbers.length)
})

test('the numbers of advisory locks stand in shared/postgres/locks.ts alone', () => {
  const elsewhere = sourceFiles()
    .filter((file) => !isTest(file) && file.path !== 'shared/postgres/locks.ts')
    .flatMap(({ path, text }) => [
      ...numbersIn(text).map((number) => `${path}: ${number}`),
      ...(text.match(/advisory\w*\(\s*\d[\d_]*/g) ?? []).map((call) => `${path}: ${call}`),
    ])
  // drizzle imports nothing of ours.
  expect(elsewhere).toEqual([`drizzle/migrate.ts: ${LOCKS.migration}`])
})

test('the operators’ handbook asks for locks that there are', () => {
  const asked = numbersIn(readFileSync(join(root, 'docs/operations.md'), 'utf8'))
  expect(new Set(asked)).toEqual(new Set([LOCKS.relay, LOCKS.repair]))
})
