import { entregas } from '@fluxo/entregas/app'
import { openService } from '@fluxo/shared/process/open-service'
import { type GivenByTest, partsOfTests } from './parts.ts'

type Settings = Parameters<(typeof entregas)['open']>[0]['settings']

/** Deliveries in a test's own process; nothing moves by itself, unless it is said. */
export const entregasModule = ({ fluxo, ...given }: GivenByTest & Partial<Settings>) =>
  openService(entregas, {
    ...partsOfTests(),
    ...given,
    settings: { fluxo: fluxo ?? { automatic: false, delayMs: 0 } },
  })
