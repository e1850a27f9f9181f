import { expect, test } from 'vitest'
import { HISTORIES_TIMEOUT_MS, wrongIn } from '../histories-fixture.ts'
import { NOTICES } from './notices.ts'

test(
  'histories 1 to 500 of notices: each event once for each webhook, under one id, and told',
  async () => {
    expect(await wrongIn(NOTICES, 1, 500)).toBeUndefined()
  },
  HISTORIES_TIMEOUT_MS,
)
