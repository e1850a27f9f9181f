import { createConsolidado } from '@fluxo/consolidado/app'
import { type Given, partsOfTests } from './parts.ts'

type Deps = Parameters<typeof createConsolidado>[0]

/** The balances in a test's own process. Rounds of verification ask the ledger too: who tests them turns them on. */
export const consolidadoModule = (given: Given<Deps> & Pick<Deps, 'eventos'>) =>
  createConsolidado({ ...partsOfTests(), verificarMs: 0, ...given })
