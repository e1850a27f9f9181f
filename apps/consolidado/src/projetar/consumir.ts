import type { Clock } from '@fluxo/shared/clock'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { type Consumer, createConsumer } from '@fluxo/shared/stream/consumer'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import { lerTexto } from './ler-evento.ts'
import { GRUPO } from './nomes.ts'
import type { Projecao } from './projecao.ts'

/**
 * Consumers of one partition within an instance: while PostgreSQL applies the batch of one, the other parses its own,
 * writes the cache and acks. The partition's lock keeps the applies themselves one after another.
 */
const LANES = 2

export type ConsumirDeps = {
  redis: RedisConnections
  streamPrefix: string
  particoes: number
  /** Name of this instance within the group, stable across restarts where possible. */
  instancia: string
  projecao: Projecao
  lanes?: number
  countMax?: number
  claimIdleMs?: number
  clock?: Clock
  log: Logger
  registry: Registry
}

/** The consumers of all partitions: read, parse, project, ack. */
export function createConsumidores({
  particoes,
  instancia,
  projecao,
  streamPrefix,
  ...deps
}: ConsumirDeps): Consumer[] {
  const { redis, log, registry, countMax, claimIdleMs, clock, lanes = LANES } = deps
  const consumidor = (particao: number, lane: number) =>
    createConsumer({
      blocking: redis.blocking,
      redis: redis.commands,
      prefix: streamPrefix,
      particao,
      group: GRUPO,
      consumer: `${instancia}.${lane}`,
      ...(countMax !== undefined && { countMax }),
      ...(claimIdleMs !== undefined && { claimIdleMs }),
      ...(clock !== undefined && { clock }),
      handle: (entries) => {
        const recebidos = entries.map(({ posicao, body, attempts }) => ({
          posicao,
          tentativas: attempts ?? 1,
          lido: lerTexto(posicao, body),
          evento: body,
        }))
        return projecao.aplicar(particao, recebidos, 'stream')
      },
      // What vanished from the stream is a hole of the inbox, and repair fills holes.
      onGap: () => {},
      log,
      registry,
    })
  return Array.from({ length: particoes * lanes }, (_, i) => consumidor(Math.floor(i / lanes), i % lanes))
}
