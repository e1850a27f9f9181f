import { expect, test } from 'vitest'
import { HISTORIES_TIMEOUT_MS, wrongIn } from '../histories-fixture.ts'
import { ORDERS } from './orders.ts'

test(
  'histories 1 to 1,000 of orders: each step and each entry once, none forgotten, every history whole',
  async () => {
    expect(await wrongIn(ORDERS, 1, 1_000)).toBeUndefined()
  },
  HISTORIES_TIMEOUT_MS,
)
