import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

/** So many steps, each noted; `sliceMs` 0 makes each step a slice. */
function* steps(seen: string[], name: string, count: number): Generator<undefined, string> {
  for (let n = 0; n < count; n += 1) {
    seen.push(name)
    yield
  }
  return name
}

test('merchants take turns, whatever one of them has asked for', async () => {
  const turns = createTurns(0)
  const seen: string[] = []
  const a = [1, 2, 3].map((n) => turns.run('a', steps(seen, `a${n}`, 3)))
  const b = turns.run('b', steps(seen, 'b', 3))
  expect(await b).toBe('b')
  // The first of a's works and b's, step by step; nothing of a's second yet but its first step.
  expect(seen.slice(0, 6)).toEqual(['a1', 'b', 'a1', 'b', 'a1', 'b'])
  expect(await Promise.all(a)).toEqual(['a1', 'a2', 'a3'])
})

test('what is ready meanwhile comes between two slices', async () => {
  const turns = createTurns(0)
  const seen: string[] = []
  const work = turns.run('a', steps(seen, 'slice', 3))
  const other = (): void => {
    seen.push('other')
    if (seen.length < 6) setImmediate(other)
  }
  setImmediate(other)
  await work
  expect(seen).toEqual(['slice', 'other', 'slice', 'other', 'slice', 'other'])
})

test('a slice does several steps, and a work that throws ends by itself', async () => {
  const turns = createTurns(60_000)
  const seen: string[] = []
  const failing = turns.run(
    'a',
    (function* () {
      yield
      throw new Error('broken')
    })(),
  )
  const next = turns.run('a', steps(seen, 'next', 1_000))
  await expect(failing).rejects.toThrow('broken')
  await new Promise((resolve) => setImmediate(resolve))
  expect(await next).toBe('next')
  expect(seen).toHaveLength(1_000)
})
