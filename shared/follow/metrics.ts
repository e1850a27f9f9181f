import type { Marca } from '../inbox/marca.ts'
import { createLook } from '../telemetry/look.ts'
import { gauge, type Registry } from '../telemetry/metrics.ts'
import type { Stops } from './another-log.ts'
import type { LetterCount } from './letter-store.ts'

type Grupo = {
  stops: Pick<Stops, 'has'>
  marcas: () => Promise<Marca[] | undefined>
  letters: () => Promise<LetterCount | undefined>
}

type FollowMetricsOptions = {
  grupo: string
  /** The partitions whose log this instance has seen to be another one: of another epoch nothing is noted in the database. */
  stops: Pick<Stops, 'has'>
  marcas: () => Promise<Marca[]>
  letters: () => Promise<LetterCount>
  registry: Registry
}

/** The groups of a registry, by name: a process may hold several. */
const gruposDe = new WeakMap<Registry, Map<string, Grupo>>()

/**
 * Exports how far a group has followed its log, whether it stands still, and the dead letters that wait in its database, those of all
 * its groups. All of it is read from the database, so every instance shows the same: across instances take `max`.
 */
export function exportFollowMetrics({ grupo, stops, marcas, letters, registry }: FollowMetricsOptions): void {
  const grupos = gruposDe.get(registry) ?? mostrar(registry)
  grupos.set(grupo, { stops, marcas: createLook(marcas), letters: createLook(letters) })
}

function mostrar(registry: Registry): Map<string, Grupo> {
  const grupos = new Map<string, Grupo>()
  gruposDe.set(registry, grupos)
  const porParticao = (name: string, help: string, valor: (marca: Marca, stops: Grupo['stops']) => number): void => {
    gauge(registry, {
      name,
      help,
      labelNames: ['group', 'particao'],
      async collect() {
        this.reset()
        for (const [group, { marcas, stops }] of grupos) {
          for (const marca of (await marcas()) ?? []) {
            this.set({ group, particao: String(marca.particao) }, valor(marca, stops))
          }
        }
      },
    })
  }
  porParticao('fluxo_follow_aplicada_ate', 'Everything up to this position has had its effect.', (m) => m.aplicadaAte)
  porParticao(
    'fluxo_follow_parada',
    '1 where the group stands still, since its log is another one than it followed.',
    ({ divergente, particao }, stops) => (divergente === null && !stops.has(particao) ? 0 : 1),
  )
  gauge(registry, {
    name: 'fluxo_follow_dead_letters',
    help: 'Dead letters of the groups of a database that wait for an operator.',
    labelNames: ['database'],
    async collect() {
      const counts = await Promise.all([...grupos.values()].map(({ letters }) => letters()))
      this.reset()
      for (const count of counts) if (count !== undefined) this.inc({ database: count.database }, count.pendentes)
    },
  })
  return grupos
}
