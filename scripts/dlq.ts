import { createVersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createBreaker } from '@fluxo/shared/resilience/breaker'
import type { DeadLetters } from '@fluxo/shared/stream/dead-letter'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { Registry } from 'prom-client'
import { CACHE_PREFIX } from '../apps/consolidado/src/app.ts'
import { STREAM_PREFIX } from '../apps/consolidado/src/projetar/consumir.ts'
import { montarProjecao } from '../apps/consolidado/src/projetar/montar.ts'
import { redisUrlInUse, serviceUrl } from './access.ts'
import { argumentsOf, runCommand, UsageError } from './cli.ts'

const LIMITE_DEFAULT = '100'
const LIMITE_MAX = 10_000
/** A command of its own needs few connections. */
const CONNECTIONS = 2
const REDIS_WAIT_MS = 3_000
const BREAKER = { volumeThreshold: 20, errorThresholdPercentage: 50, resetTimeoutMs: 1_000 }

/** Opens the same parts as the service, hands over its dead letters, and closes everything again. */
const withDeadLetters = async (use: (cartas: DeadLetters) => Promise<void>): Promise<void> => {
  const [databaseUrl, redisUrl] = [await serviceUrl('consolidado'), await redisUrlInUse()]
  const log = createLogger({ service: 'dlq', level: 'error' })
  const registry = new Registry()
  const sql = createSql({ url: databaseUrl, max: CONNECTIONS, name: 'dlq' })
  const redis = createRedisConnections({ url: redisUrl, name: 'dlq', log })
  const breaker = createBreaker({ name: 'redis-cache', ...BREAKER, registry })
  const cache = createVersionedCache({ redis: redis.cache, prefix: CACHE_PREFIX, breaker, registry, name: 'dlq' })
  try {
    // Without it a redriven day would be right in the database and old in the cache.
    if (!(await redis.ready(REDIS_WAIT_MS))) throw new Error('Redis does not answer: try again when it is back.')
    const { cartas } = montarProjecao({
      sql,
      redis: redis.commands,
      streamPrefix: STREAM_PREFIX,
      cache,
      epocaDoLog: () => Promise.reject(new Error('invariant: dead letters carry their own epoch')),
      log,
      registry,
    })
    await use(cartas)
  } finally {
    await cache.close()
    breaker.close()
    await Promise.all([closeSql(sql), redis.close()])
  }
}

await runCommand('dlq', async () => {
  const { values, positionals } = argumentsOf('dlq', {
    limite: { type: 'string', default: LIMITE_DEFAULT },
    json: { type: 'boolean', default: false },
  })
  const limite = Number(values.limite)
  if (!(Number.isInteger(limite) && limite >= 1 && limite <= LIMITE_MAX)) {
    throw new UsageError(`--limite takes a whole number from 1 to ${LIMITE_MAX}`)
  }
  const [action] = positionals
  if (action === 'list') {
    await withDeadLetters(async (cartas) => {
      const found = await cartas.list({ limite })
      for (const { particao, posicao, tentativas, motivo, body } of found) {
        const carta = { particao, posicao, tentativas, motivo, evento: body }
        console.log(values.json ? JSON.stringify(carta) : `${particao}:${posicao}  attempts ${tentativas}  ${motivo}`)
      }
      if (!values.json) console.log(`${found.length} dead letters`)
    })
  } else if (action === 'redrive') {
    await withDeadLetters(async (cartas) => {
      const { redirigidas, falhas } = await cartas.redrive({ limite })
      for (const { particao, posicao, motivo } of falhas) console.log(`${particao}:${posicao}  failed again: ${motivo}`)
      console.log(`${redirigidas} applied, ${falhas.length} failed again`)
    })
  } else throw new UsageError(action === undefined ? 'say list or redrive' : `unknown action "${action}"`)
})
