import { parseArgs } from 'node:util'
import { createVersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { envUrl, parseEnv } from '@fluxo/shared/process/env'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createBreaker } from '@fluxo/shared/resilience/breaker'
import type { DeadLetters } from '@fluxo/shared/stream/dead-letter'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { z } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { montarProjecao } from './montar.ts'
import { CACHE_PREFIX, STREAM_PREFIX } from './nomes.ts'

const EnvSchema = z.object({
  DATABASE_URL_CONSOLIDADO: envUrl('postgres', 'postgresql'),
  REDIS_URL: envUrl('redis', 'rediss'),
})

/** Letters shown or redriven where `--limite` says nothing. */
const LIMITE_PADRAO = 100
const LIMITE_MAX = 100_000
const CIRCUITO = { volumeThreshold: 20, errorThresholdPercentage: 50, resetTimeoutMs: 1_000 }
const REDIS_READY_MS = 2_000

type Write = (line: string) => void
const stdout: Write = (line) => void process.stdout.write(`${line}\n`)

/**
 * The body of `npm run dlq`: `list` shows the dead letters, `redrive` applies them again (`--limite N` of them).
 *
 * An event's text is never shown: it is the merchant's. Rejects with one sentence for a wrong call or a database away.
 */
export async function cartasMortasCli(
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
  write: Write = stdout,
): Promise<void> {
  const { comando, limite } = pedidoDe(argv)
  const given = parseEnv(EnvSchema, env)
  const log = createLogger({ service: 'dlq', level: 'fatal' })
  const registry = new Registry()
  const redis = createRedisConnections({ url: given.REDIS_URL, name: 'dlq', log })
  const sql = createSql({ url: given.DATABASE_URL_CONSOLIDADO, max: 1, name: 'dlq' })
  const breaker = createBreaker({ name: 'redis-cache', ...CIRCUITO, registry })
  await redis.ready(REDIS_READY_MS)
  const cache = createVersionedCache({ redis: redis.cache, prefix: CACHE_PREFIX, breaker, registry, name: 'dlq' })
  const { cartas } = montarProjecao({
    sql,
    redis: redis.commands,
    streamPrefix: STREAM_PREFIX,
    cache,
    epocaDoLog: () => Promise.reject(new Error('a redrive does not ask the ledger')),
    log,
    registry,
  })
  try {
    await (comando === 'list' ? listar(cartas, limite, write) : redirigir(cartas, limite, write))
  } finally {
    await cache.close()
    await closeSql(sql)
    await redis.close()
    breaker.close()
  }
}

async function listar(cartas: DeadLetters, limite: number, write: Write): Promise<void> {
  const lista = await cartas.list({ limite })
  for (const { particao, posicao, tentativas, motivo } of lista) {
    write(`${particao}:${posicao}\t${tentativas} attempts\t${motivo}`)
  }
  write(lista.length === 0 ? 'no dead letters' : `${lista.length} dead letters`)
}

async function redirigir(cartas: DeadLetters, limite: number, write: Write): Promise<void> {
  const { redirigidas, falhas } = await cartas.redrive({ limite })
  for (const { particao, posicao, motivo } of falhas) write(`${particao}:${posicao}\tfailed again\t${motivo}`)
  write(`${redirigidas} redriven, ${falhas.length} failed again`)
}

function pedidoDe(argv: readonly string[]): { comando: 'list' | 'redrive'; limite: number } {
  const options = { limite: { type: 'string' } } as const
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  const [comando, ...rest] = positionals
  if ((comando !== 'list' && comando !== 'redrive') || rest.length > 0) {
    throw new Error('say `list` or `redrive`, and `--limite N` where 100 is not right')
  }
  const limite = Number(values.limite ?? LIMITE_PADRAO)
  if (!Number.isInteger(limite) || limite < 1 || limite > LIMITE_MAX) {
    throw new Error(`--limite must be a whole number from 1 to ${LIMITE_MAX}`)
  }
  return { comando, limite }
}
