import type { Marca } from '@fluxo/shared/inbox/marca'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { withTimeout } from '@fluxo/shared/resilience/with-timeout'
import { type GroupLag, groupLag } from '@fluxo/shared/stream/lag'
import { gauge, type Registry } from '@fluxo/shared/telemetry/metrics'

/** A scrape that asks a database that is away must not hang. */
const LOOK_TIMEOUT_MS = 500
/** All gauges of one scrape share one look. */
const LOOK_CACHED_MS = 1_000

export type MetricasDeps = {
  redis: RedisConnections['commands']
  streamPrefix: string
  group: string
  particoes: number
  marcas: () => Promise<Marca[]>
  registry: Registry
}

type Vista = { marcas: Marca[]; filas: (GroupLag & { particao: number })[] }

/** How far the projection is and how far behind, looked at when Prometheus asks; what is away shows nothing. */
export function exportarMetricas({ redis, streamPrefix, group, particoes, marcas, registry }: MetricasDeps): void {
  const bounded = <T>(work: Promise<T>, nothing: T) =>
    withTimeout(work, LOOK_TIMEOUT_MS, () => new Error('no answer in time')).catch(() => nothing)
  const filas = async () => {
    const indices = Array.from({ length: particoes }, (_, particao) => particao)
    return Promise.all(
      indices.map(async (particao) => ({ particao, ...(await groupLag(redis, streamPrefix, particao, group)) })),
    )
  }
  let vista: Promise<Vista> | undefined
  let vistaEm = 0
  const olhar = (): Promise<Vista> => {
    const agora = performance.now()
    if (vista === undefined || agora - vistaEm > LOOK_CACHED_MS) {
      vistaEm = agora
      vista = Promise.all([bounded(marcas(), []), bounded(filas(), [])]).then(([m, f]) => ({ marcas: m, filas: f }))
    }
    return vista
  }
  const exportar = (name: string, help: string, valores: (vista: Vista) => [particao: number, valor: number][]) =>
    gauge(registry, {
      name,
      help,
      labelNames: ['particao'],
      async collect() {
        const lidos = valores(await olhar())
        this.reset()
        for (const [particao, valor] of lidos) this.set({ particao: String(particao) }, valor)
      },
    })

  exportar('fluxo_inbox_aplicada_ate', 'Everything up to this position is applied.', (v) =>
    v.marcas.map((m) => [m.particao, m.aplicadaAte]),
  )
  exportar('fluxo_inbox_buracos', 'Positions missing below the highest one applied.', (v) =>
    v.marcas.map((m) => [m.particao, m.buracos.reduce((soma, { de, ate }) => soma + ate - de + 1, 0)]),
  )
  exportar('fluxo_stream_lag', 'Entries not yet delivered to the group.', (v) =>
    v.filas.flatMap(({ particao, lag }) => (lag === undefined ? [] : [[particao, lag]])),
  )
  exportar('fluxo_stream_pending', 'Entries delivered and not acked.', (v) =>
    v.filas.map(({ particao, pending }) => [particao, pending]),
  )
  exportar('fluxo_stream_oldest_pending_seconds', 'Age of the oldest unacked delivery.', (v) =>
    v.filas.map(({ particao, oldestPendingMs }) => [particao, oldestPendingMs / 1_000]),
  )
}
