import { createLancamentos } from '@fluxo/lancamentos/app'
import { type Given, partsOfTests } from './parts.ts'

/** The ledger in a test's own process; it follows no orders. */
export const lancamentosModule = (given: Given<Parameters<typeof createLancamentos>[0]>) =>
  createLancamentos({ ...partsOfTests(), ...given })
