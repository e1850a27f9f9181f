import { expect, test } from 'vitest'
import { HISTORIES_TIMEOUT_MS, wrongIn } from '../histories-fixture.ts'
import { BOOKS } from './books.ts'

test(
  'histories 1 to 1,000: everything acknowledged is applied exactly once, and no cached day stays behind',
  async () => {
    expect(await wrongIn(BOOKS, 1, 1_000)).toBeUndefined()
  },
  HISTORIES_TIMEOUT_MS,
)
