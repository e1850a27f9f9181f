import type { LetterCount } from '@fluxo/shared/follow/letter-store'
import type { Marca } from '@fluxo/shared/inbox/marca'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { type GroupLag, groupLag } from '@fluxo/shared/stream/lag'
import { createLook } from '@fluxo/shared/telemetry/look'
import { counter, gauge, type Registry } from '@fluxo/shared/telemetry/metrics'

export type MetricasDeps = {
  redis: RedisConnections['commands']
  streamPrefix: string
  group: string
  particoes: number
  marcas: () => Promise<Marca[]>
  cartas: () => Promise<LetterCount>
  registry: Registry
}

type Fila = GroupLag & { particao: number }
type Valores = [particao: number, valor: number][]

/**
 * How far the projection is and how far behind, looked at when Prometheus asks; what is away shows nothing.
 *
 * Marks, groups and letters are the database's and Redis' own, so every instance shows the same: take `max`.
 */
export function exportarMetricas({ marcas, cartas, registry, ...stream }: MetricasDeps): void {
  const olharMarcas = createLook(marcas)
  const olharFilas = createLook(() => filasDe(stream))
  const exportar = <T>(
    name: string,
    help: string,
    olhar: () => Promise<T[] | undefined>,
    valores: (v: T[]) => Valores,
  ) =>
    gauge(registry, {
      name,
      help,
      labelNames: ['particao'],
      async collect() {
        const vistos = await olhar()
        this.reset()
        for (const [particao, valor] of valores(vistos ?? [])) this.set({ particao: String(particao) }, valor)
      },
    })

  exportar('fluxo_inbox_aplicada_ate', 'Everything up to this position is applied.', olharMarcas, (v) =>
    v.map((m) => [m.particao, m.aplicadaAte]),
  )
  exportar('fluxo_inbox_buracos', 'Positions missing below the highest one applied.', olharMarcas, (v) =>
    v.map((m) => [m.particao, m.buracos.reduce((soma, { de, ate }) => soma + ate - de + 1, 0)]),
  )
  exportar('fluxo_stream_lag', 'Entries not yet delivered to the group.', olharFilas, (v) =>
    v.flatMap(({ particao, lag }): Valores => (lag === undefined ? [] : [[particao, lag]])),
  )
  exportar('fluxo_stream_pending', 'Entries delivered and not acked.', olharFilas, (v) =>
    v.map(({ particao, pending }) => [particao, pending]),
  )
  exportar('fluxo_stream_oldest_pending_seconds', 'Age of the oldest unacked delivery.', olharFilas, (v) =>
    v.map(({ particao, oldestPendingMs }) => [particao, oldestPendingMs / 1_000]),
  )
  exportar('fluxo_stream_consumers', 'Consumers that the group knows, dead ones too for a while.', olharFilas, (v) =>
    v.map(({ particao, consumers }) => [particao, consumers]),
  )
  exportar('fluxo_stream_length', 'Entries that the stream holds.', olharFilas, (v) =>
    v.map(({ particao, length }) => [particao, length]),
  )
  exportarCartas(registry, cartas)
}

const filasDe = ({ redis, streamPrefix, group, particoes }: Omit<MetricasDeps, 'marcas' | 'cartas' | 'registry'>) => {
  const indices = Array.from({ length: particoes }, (_, particao) => particao)
  return Promise.all(
    indices.map(async (particao): Promise<Fila> => {
      return { particao, ...(await groupLag(redis, streamPrefix, particao, group)) }
    }),
  )
}

/** Redriving is done by a command of its own, so the table is what knows. */
function exportarCartas(registry: Registry, cartas: () => Promise<LetterCount>): void {
  const olhar = createLook(cartas)
  gauge(registry, {
    name: 'fluxo_dead_letters_pending',
    help: 'Dead letters that wait for an operator.',
    async collect() {
      const contagem = await olhar()
      if (contagem === undefined) this.remove()
      else this.set(contagem.pendentes)
    },
  })
  counter(registry, {
    name: 'fluxo_dead_letters_redriven_total',
    help: 'Dead letters that were applied after all.',
    async collect() {
      const contagem = await olhar()
      if (contagem === undefined) return
      this.reset()
      this.inc(contagem.redirigidas)
    },
  })
}
