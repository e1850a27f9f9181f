import { createEntregas } from '@fluxo/entregas/app'
import { type Given, partsOfTests } from './parts.ts'

/** Deliveries in a test's own process; nothing moves by itself, unless it is said. */
export const entregasModule = (given: Given<Parameters<typeof createEntregas>[0]>) =>
  createEntregas({ ...partsOfTests(), fluxo: { automatic: false, delayMs: 0 }, ...given })
