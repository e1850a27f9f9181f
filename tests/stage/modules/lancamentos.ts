import { lancamentos } from '@fluxo/lancamentos/app'
import { openService } from '@fluxo/shared/process/open-service'
import { type GivenByTest, partsOfTests } from './parts.ts'

/** The ledger in a test's own process; it follows no orders. */
export const lancamentosModule = (given: GivenByTest) =>
  openService(lancamentos, { ...partsOfTests(), ...given, settings: {} })
