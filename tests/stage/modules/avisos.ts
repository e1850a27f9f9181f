import { avisos } from '@fluxo/avisos/app'
import { openService } from '@fluxo/shared/process/open-service'
import type { LogAddress } from '@fluxo/shared/process/settings'
import { type GivenByTest, partsOfTests } from './parts.ts'

type Settings = Parameters<(typeof avisos)['open']>[0]['settings']
type Deps = GivenByTest & {
  pedidos: Pick<LogAddress, 'baseUrl' | 'token' | 'fetch' | 'streamPrefix'>
  books?: Settings['books'] | undefined
  webhooks?: Settings['webhooks'] | undefined
}

/** Who is told of what, in a test's own process; webhooks go to public addresses, unless it is said. */
export const avisosModule = ({ pedidos, books, webhooks = { allowsLoopback: false }, ...given }: Deps) =>
  openService(avisos, {
    ...partsOfTests(),
    ...given,
    settings: { pedidos: { ...pedidos, particoes: given.particoes ?? 1 }, books, webhooks },
  })
