import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import { createCauda } from './cauda.ts'
import { createPlateia, type Plateia } from './plateia.ts'
import type { AcompanharStore } from './store.ts'

type AoVivoDeps = {
  redis: RedisConnections
  streamPrefix: string
  particoes: number
  store: AcompanharStore
  pingMs?: number
  conferirMs?: number
  log: Logger
  registry: Registry
}

/** The live streams of this instance: who listens, and the end of the orders' log that they hear. */
export function createAoVivo(deps: AoVivoDeps): { plateia: Plateia; start: () => void; stop: () => Promise<void> } {
  const { log } = deps
  const plateia = createPlateia({ ...deps, onPrimeiro: () => cauda.acordar() })
  const cauda = createCauda({
    ...deps,
    onEvento: plateia.ouvir,
    procurada: () => plateia.quantos() > 0,
    onInicio: () => {
      plateia
        .conferir()
        .catch((error: unknown) => log.warn({ err: error }, 'listeners could not be compared with the log'))
    },
  })
  return {
    plateia,
    start: () => {
      plateia.start()
      cauda.start()
    },
    stop: async () => {
      plateia.encerrar()
      await cauda.stop()
    },
  }
}
