import { avisos } from '@fluxo/avisos/app'
import { consolidado } from '@fluxo/consolidado/app'
import { entregas } from '@fluxo/entregas/app'
import { lancamentos } from '@fluxo/lancamentos/app'
import { createVerifier } from '@fluxo/shared/http/auth'
import type { AppModule } from '@fluxo/shared/http/module'
import { openService } from '@fluxo/shared/process/open-service'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { Registry } from 'prom-client'

/** Signs what is asked of them in tests. */
export const SECRET = 'for-documents-only-never-signs-anything'
/** Nobody listens there, and nobody is asked: what is not started only has its routes. */
const NOWHERE = '127.0.0.1:1'

/** The services as they are put together, never started. In the order in which the document shows them. */
export async function withModules<T>(use: (modules: readonly AppModule[]) => T | Promise<T>): Promise<T> {
  const log = createLogger({ service: 'openapi', level: 'silent' })
  const redis = createRedisConnections({ url: `redis://${NOWHERE}`, name: 'openapi', log })
  const common = () => ({
    databaseUrl: `postgres://nobody:nothing@${NOWHERE}/none`,
    redis,
    verifier: createVerifier({ secret: SECRET }),
    cursorSecret: SECRET,
    instance: 'openapi',
    log,
    registry: new Registry(),
  })
  const ledger = { baseUrl: `http://${NOWHERE}`, token: () => '', particoes: 1 }
  const flow = { fluxo: { automatic: false, delayMs: 0 } }
  const told = { pedidos: ledger, webhooks: { allowsLoopback: false } }
  const modules = [
    openService(lancamentos, { ...common(), settings: {} }),
    openService(consolidado, { ...common(), settings: { lancamentos: ledger, verificarMs: 0 } }),
    openService(entregas, { ...common(), settings: flow }),
    openService(avisos, { ...common(), settings: told }),
  ]
  try {
    return await use(modules)
  } finally {
    await Promise.all(modules.map((module) => module.close()))
    await redis.close()
  }
}
