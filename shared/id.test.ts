import { expect, test } from 'vitest'
import { createNovoId, ehId } from './id.ts'

test.each([
  ['of the platform', createNovoId()],
  ['of the pool', createNovoId(null)],
])('ids %s are UUIDs of version 7, of this moment, and never the same', (_, novoId) => {
  const antes = Date.now()
  const ids = Array.from({ length: 5_000 }, novoId)
  expect(new Set(ids).size).toBe(5_000)
  for (const id of ids) {
    expect(ehId(id) && id[14] === '7' && /[89ab]/.test(id[19] ?? '')).toBe(true)
    const quando = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
    expect(quando >= antes - 1 && quando <= Date.now() + 1).toBe(true)
  }
})
