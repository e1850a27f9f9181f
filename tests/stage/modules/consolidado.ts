import { consolidado } from '@fluxo/consolidado/app'
import { openService } from '@fluxo/shared/process/open-service'
import type { LogAddress } from '@fluxo/shared/process/settings'
import { type GivenByTest, partsOfTests } from './parts.ts'

type Deps = GivenByTest & {
  eventos: Pick<LogAddress, 'baseUrl' | 'token' | 'fetch'>
  cachePrefix?: string | undefined
  verificarMs?: number | undefined
}

/** The balances in a test's own process. Rounds of verification ask the ledger too: who tests them turns them on. */
export const consolidadoModule = ({ eventos, cachePrefix, verificarMs = 0, streamPrefix, ...given }: Deps) =>
  openService(consolidado, {
    ...partsOfTests(),
    ...given,
    settings: { lancamentos: { ...eventos, particoes: given.particoes ?? 1, streamPrefix }, cachePrefix, verificarMs },
  })
