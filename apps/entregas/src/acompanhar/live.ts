import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import { type Audience, createAudience } from './audience.ts'
import type { AcompanharStore } from './store.ts'
import { createStreamTail } from './tail.ts'

type LiveDeps = {
  redis: RedisConnections
  streamPrefix: string
  particoes: number
  store: AcompanharStore
  pingMs?: number
  compareMs?: number
  log: Logger
  registry: Registry
}

/** The live streams of this instance: who listens, and the end of the orders' log that they hear. */
export function createLive(deps: LiveDeps): { audience: Audience; start: () => void; stop: () => Promise<void> } {
  const { log } = deps
  const audience = createAudience({ ...deps, onFirst: () => tail.wake() })
  const tail = createStreamTail({
    ...deps,
    onEvento: audience.hear,
    wanted: () => audience.count() > 0,
    onStart: () => {
      audience
        .compare()
        .catch((error: unknown) => log.warn({ err: error }, 'listeners could not be compared with the log'))
    },
  })
  return {
    audience,
    start: () => {
      audience.start()
      tail.start()
    },
    stop: async () => {
      audience.close()
      await tail.stop()
    },
  }
}
