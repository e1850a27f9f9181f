import { createVersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { lerCartas } from '@fluxo/shared/follow/dead-letters'
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

/** Whose dead letters: `consolidado` keeps its own, the others those of who follows the orders. */
const BANCOS = ['consolidado', 'lancamentos', 'entregas'] as const
type Banco = (typeof BANCOS)[number]
type Posicao = { particao: number; posicao: number }
type Carta = Posicao & { motivo: string; evento: string; tentativas?: number }

/** The dead letters of a database, oldest first, or the one at a position. */
const lerDe = async (banco: Banco, limite: number, so?: Posicao): Promise<Carta[]> => {
  if (banco !== 'consolidado') {
    const sql = createSql({ url: await serviceUrl(banco), max: 1, name: 'dlq' })
    try {
      return await lerCartas(sql, { limite, so })
    } finally {
      await closeSql(sql)
    }
  }
  let cartas: Carta[] = []
  await withDeadLetters(async (letters) => {
    const found = await letters.list({ limite: so === undefined ? limite : LIMITE_MAX })
    cartas = found.map(({ body, ...carta }) => ({ ...carta, evento: body }))
  })
  return so === undefined
    ? cartas
    : cartas.filter(({ particao, posicao }) => particao === so.particao && posicao === so.posicao)
}

const list = async (banco: Banco, { limite, json }: { limite: number; json: boolean }): Promise<void> => {
  const cartas = await lerDe(banco, limite)
  for (const { particao, posicao, tentativas, motivo, evento } of cartas) {
    const attempts = tentativas === undefined ? '' : `attempts ${tentativas}  `
    const carta = { particao, posicao, ...(tentativas !== undefined && { tentativas }), motivo, evento }
    console.log(json ? JSON.stringify(carta) : `${particao}:${posicao}  ${attempts}${motivo}`)
  }
  if (!json) console.log(`${cartas.length} dead letters`)
}

const show = async (banco: Banco, where: string | undefined): Promise<void> => {
  const [, particao, posicao] = /^(\d{1,4}):(\d{1,15})$/.exec(where ?? '') ?? []
  if (particao === undefined || posicao === undefined) throw new UsageError('show takes a position such as 0:17')
  const [carta] = await lerDe(banco, 1, { particao: Number(particao), posicao: Number(posicao) })
  if (carta === undefined) throw new Error(`there is no dead letter at ${where} in ${banco}`)
  console.log(`${carta.motivo}\n${carta.evento}`)
}

const redrive = async (banco: Banco, limite: number): Promise<void> => {
  if (banco !== 'consolidado') {
    throw new UsageError('redrive is for consolidado; what to do here: docs/operations.md#fluxofollowerdeadletters')
  }
  await withDeadLetters(async (cartas) => {
    const { redirigidas, falhas } = await cartas.redrive({ limite })
    for (const { particao, posicao, motivo } of falhas) console.log(`${particao}:${posicao}  failed again: ${motivo}`)
    console.log(`${redirigidas} applied, ${falhas.length} failed again`)
  })
}

await runCommand('dlq', async () => {
  const { values, positionals } = argumentsOf('dlq', {
    limite: { type: 'string', default: LIMITE_DEFAULT },
    json: { type: 'boolean', default: false },
    de: { type: 'string', default: 'consolidado' },
  })
  const limite = Number(values.limite)
  if (!(Number.isInteger(limite) && limite >= 1 && limite <= LIMITE_MAX)) {
    throw new UsageError(`--limite takes a whole number from 1 to ${LIMITE_MAX}`)
  }
  const banco = BANCOS.find((name) => name === values.de)
  if (banco === undefined) throw new UsageError(`--de takes one of ${BANCOS.join(', ')}`)
  const [action, where] = positionals
  if (action === 'list') await list(banco, { limite, json: values.json })
  else if (action === 'show') await show(banco, where)
  else if (action === 'redrive') await redrive(banco, limite)
  else throw new UsageError(action === undefined ? 'say list, show or redrive' : `unknown action "${action}"`)
})
