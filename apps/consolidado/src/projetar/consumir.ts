import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { type Consumer, createConsumer } from '@fluxo/shared/stream/consumer'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import { lerTexto } from './ler-evento.ts'
import { GRUPO } from './nomes.ts'
import type { Projecao } from './projetar.ts'

export { STREAM_PREFIX } from './nomes.ts'

export type ConsumirDeps = {
  redis: RedisConnections
  streamPrefix: string
  particoes: number
  /** Name of this instance within the group, stable across restarts where possible. */
  instancia: string
  projecao: Projecao
  countMax?: number
  claimIdleMs?: number
  log: Logger
  registry: Registry
}

/** One consumer per partition: read, parse, project, ack. */
export function createConsumidores({
  particoes,
  instancia,
  projecao,
  streamPrefix,
  ...deps
}: ConsumirDeps): Consumer[] {
  const { redis, log, registry, countMax, claimIdleMs } = deps
  const consumidor = (particao: number) =>
    createConsumer({
      blocking: redis.blocking,
      redis: redis.commands,
      prefix: streamPrefix,
      particao,
      group: GRUPO,
      consumer: instancia,
      ...(countMax !== undefined && { countMax }),
      ...(claimIdleMs !== undefined && { claimIdleMs }),
      handle: (entries) => {
        const recebidos = entries.map(({ posicao, body, attempts }) => ({
          posicao,
          tentativas: attempts ?? 1,
          lido: lerTexto(posicao, body),
          body: () => body,
        }))
        return projecao.aplicar(particao, recebidos, 'stream')
      },
      // What vanished from the stream is a hole of the inbox, and repair fills holes.
      onGap: () => {},
      log,
      registry,
    })
  return Array.from({ length: particoes }, (_, particao) => consumidor(particao))
}
