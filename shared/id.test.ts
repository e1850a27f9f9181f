import { expect, test } from 'vitest'
import { createNewId, isId } from './id.ts'

test.each([
  ['of the platform', createNewId()],
  ['of the pool', createNewId(null)],
])('ids %s are UUIDs of version 7, of this moment, and never the same', (_, newId) => {
  const before = Date.now()
  const ids = Array.from({ length: 5_000 }, newId)
  expect(new Set(ids).size).toBe(5_000)
  for (const id of ids) {
    expect(isId(id) && id[14] === '7' && /[89ab]/.test(id[19] ?? '')).toBe(true)
    const when = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
    expect(when >= before - 1 && when <= Date.now() + 1).toBe(true)
  }
})
