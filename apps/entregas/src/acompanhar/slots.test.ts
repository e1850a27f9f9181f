import { expect, test } from 'vitest'
import { COMERCIANTE_SLOTS, PAGE_SLOTS } from './slots.ts'

test('no merchant has more than half of the places of either kind', () => {
  for (const { max, comercianteMax } of [COMERCIANTE_SLOTS, PAGE_SLOTS])
    expect(comercianteMax).toBeLessThanOrEqual(max / 2)
})
