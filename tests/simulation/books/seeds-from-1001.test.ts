import { expect, test } from 'vitest'
import { HISTORIES_TIMEOUT_MS, wrongIn } from '../histories-fixture.ts'
import { BOOKS } from './books.ts'

test(
  'histories 1,001 to 2,000: everything acknowledged is applied exactly once, and no cached day stays behind',
  async () => {
    expect(await wrongIn(BOOKS, 1_001, 1_000)).toBeUndefined()
  },
  HISTORIES_TIMEOUT_MS,
)
