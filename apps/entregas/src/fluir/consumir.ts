import { createInbox, type Inbox } from '@fluxo/shared/inbox/inbox'
import type { LogHead, ReadPage } from '@fluxo/shared/log/feed'
import type { Lease } from '@fluxo/shared/postgres/lease'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { FeedClient } from '@fluxo/shared/repair/feed-client'
import { createRepair } from '@fluxo/shared/repair/repair'
import { type Consumer, createConsumer } from '@fluxo/shared/stream/consumer'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { counter, type Registry } from '@fluxo/shared/telemetry/metrics'
import { type Acontecido, type FluxoOptions, type Planejado, planejar } from './fluir.ts'
import { type Lido, lerEvento, lerTexto } from './ler-evento.ts'
import { efeitoDePlanejar } from './passo-store.ts'

/** The consumer group of the automatic flow on the orders' streams. */
export const GRUPO = 'entregas'

export type ConsumirDeps = FluxoOptions & {
  sql: Sql
  redis: RedisConnections
  streamPrefix: string
  particoes: number
  /** Name of this instance within the group, stable across restarts where possible. */
  instancia: string
  /** The log itself, in the same database: what no stream brings is read there. */
  readPage: ReadPage
  readHead: (particao: number) => Promise<LogHead | undefined>
  lease: Lease
  /** Hears that steps of a partition were planned. */
  onPlanned: (particao: number) => void
  claimIdleMs?: number
  graceMs?: number
  log: Logger
  registry: Registry
}

export type Fluxo = {
  preparar: () => Promise<void>
  start: () => void
  stop: () => Promise<void>
}

/** Reads the orders' events and plans the steps that follow; the stream is the fast way, the log the sure one. */
export function createFluxo(deps: ConsumirDeps): Fluxo {
  const { sql, redis, particoes, log, registry } = deps
  const inbox = createInbox({ sql, effect: efeitoDePlanejar })
  const ilegiveis = counter(registry, {
    name: 'fluxo_fluxo_ilegiveis_total',
    help: 'Entries of a stream that are no events of this log; the log itself is read in their place.',
    labelNames: ['particao'],
  })

  const aplicar = async (particao: number, lidos: readonly { posicao: number; lido: Lido }[]): Promise<void> => {
    const porEpoca = new Map<string, Acontecido[]>()
    for (const { posicao, lido } of lidos) {
      if (lido.ok) porEpoca.set(lido.epoca, [...(porEpoca.get(lido.epoca) ?? []), lido.acontecido])
      else {
        ilegiveis.inc({ particao: String(particao) })
        log.error({ particao, posicao, motivo: lido.motivo }, 'an entry of the stream is no event of this log')
      }
    }
    for (const [epoca, acontecidos] of porEpoca) await aplicarEpoca(deps, inbox, { particao, epoca, acontecidos })
  }

  const consumidores = Array.from({ length: particoes }, (_, particao) => createConsumidor(deps, particao, aplicar))
  const reparo = createRepair({
    lease: deps.lease,
    feed: feedDoLog(deps),
    marcas: () => inbox.marcas(),
    particoes,
    redisUp: () => redis.status() === 'up' && consumidores.every((one) => one.state() !== 'sem-redis'),
    aplicar: (particao, eventos) =>
      aplicar(
        particao,
        eventos.map(({ posicao, evento }) => ({ posicao, lido: lerEvento(posicao, evento) })),
      ),
    ausentes: async (particao, posicoes) => {
      log.error({ particao, primeira: posicoes[0], quantidade: posicoes.length }, 'the log lacks positions')
    },
    divergencia: async (particao, motivo) => {
      if (motivo !== undefined) log.error({ particao, motivo }, 'the flow follows another log than this database holds')
    },
    ...(deps.graceMs !== undefined && { graceMs: deps.graceMs }),
    log,
    registry,
  })

  return {
    preparar: () => inbox.prepare(particoes),
    start: () => {
      for (const consumidor of consumidores) consumidor.start()
      reparo.start()
    },
    stop: async () => {
      await Promise.all([...consumidores.map((one) => one.stop()), reparo.stop()])
    },
  }
}

type Lote = { particao: number; epoca: string; acontecidos: readonly Acontecido[] }

/** Plans the steps of one epoch's events. Rejects where the inbox follows another log: an operator has to look. */
async function aplicarEpoca(deps: ConsumirDeps, inbox: Inbox<Planejado, number>, lote: Lote): Promise<void> {
  const { particao, epoca, acontecidos } = lote
  const aplicado = await inbox.apply({ particao, epoca, rows: acontecidos.map((um) => planejar(um, deps)) })
  if (aplicado.outcome === 'aplicado') {
    if (aplicado.novos > 0) deps.onPlanned(particao)
    return
  }
  const cabeca = await deps.readHead(particao)
  if (aplicado.outcome === 'epoca-divergente' && aplicado.epoca === cabeca?.epoca) {
    deps.log.warn({ particao, epoca }, 'events of a log that is no more are dropped')
    return
  }
  throw new Error(`partition ${particao} of the flow stands still: ${aplicado.divergente ?? aplicado.outcome}`)
}

type Aplicar = (particao: number, lidos: readonly { posicao: number; lido: Lido }[]) => Promise<void>

const createConsumidor = (deps: ConsumirDeps, particao: number, aplicar: Aplicar): Consumer =>
  createConsumer({
    blocking: deps.redis.blocking,
    redis: deps.redis.commands,
    prefix: deps.streamPrefix,
    particao,
    group: GRUPO,
    consumer: deps.instancia,
    ...(deps.claimIdleMs !== undefined && { claimIdleMs: deps.claimIdleMs }),
    handle: (entries) =>
      aplicar(
        particao,
        entries.map(({ posicao, body }) => ({ posicao, lido: lerTexto(posicao, body) })),
      ),
    // What vanished from the stream is a hole of the inbox, and repair fills holes.
    onGap: () => {},
    log: deps.log,
    registry: deps.registry,
  })

/** The log of this very database as a feed: no HTTP between a service and itself. */
const feedDoLog = ({ readPage, readHead }: ConsumirDeps): FeedClient => ({
  page: async ({ particao, depoisDe, limite }) => {
    const entries = await readPage(particao, depoisDe, limite)
    const cabeca = await readHead(particao)
    if (cabeca === undefined) throw new Error(`partition ${particao} has no counter: run \`npm run migrate\``)
    const eventos = entries.map(({ posicao, body }) => ({ posicao, evento: JSON.parse(body) as unknown }))
    return { particao, ...cabeca, eventos }
  },
})
