import type { FeedClient } from '@fluxo/shared/feed/client'
import type { ServiceContext, Worker } from '@fluxo/shared/process/define-service'
import type { DayKey } from '../projetar/saldo-store.ts'
import { createVerificarStore } from './store.ts'
import { verificarCache } from './verificar-cache.ts'
import { createVerificarWorker, VERIFICAR_LOCK } from './worker.ts'

type AssembleVerificarDeps = ServiceContext<unknown> & {
  cachePrefix: string
  feed: FeedClient
  particoes: number
  /** Between two rounds; 0 turns verification off. */
  verificarMs: number
}

/** Puts the verification in the background together, with a connection of its own. */
export function assembleVerificar(deps: AssembleVerificarDeps): Worker {
  const { sql, redis, cachePrefix, verificarMs } = deps
  const { commands } = redis
  const worker = createVerificarWorker({
    ...deps,
    store: createVerificarStore(deps.transactions({ name: 'consolidado verificacao', max: 1 })),
    verificarCache: async (days: readonly DayKey[]) => {
      if (commands.status !== 'ready') return []
      return (await verificarCache({ redis: commands, prefix: cachePrefix, sql }, days)).differences
    },
    lease: deps.lease('verificacao', VERIFICAR_LOCK),
    everyMs: verificarMs,
  })
  return { ...worker, start: verificarMs > 0 ? worker.start : undefined }
}
