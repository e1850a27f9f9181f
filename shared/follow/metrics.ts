import type { Marca } from '../inbox/marca.ts'
import type { Sql } from '../postgres/sql.ts'
import { createLook } from '../telemetry/look.ts'
import { gauge, type Registry } from '../telemetry/metrics.ts'

type Grupo = { marcas: () => Promise<Marca[] | undefined>; cartas: () => Promise<Cartas | undefined> }
type Cartas = { database: string; quantas: number }

export type FollowMetricsOptions = {
  grupo: string
  marcas: () => Promise<Marca[]>
  /** The database of `carta_morta`. */
  sql: Sql
  registry: Registry
}

/** The groups of a registry, by name: a process may hold several. */
const gruposDe = new WeakMap<Registry, Map<string, Grupo>>()

/**
 * Exports how far a group has followed its log, whether it stands still, and the dead letters of its database, which its groups
 * share. All of it is read from the database, so every instance shows the same: across instances take `max`.
 */
export function exportFollowMetrics({ grupo, marcas, sql, registry }: FollowMetricsOptions): void {
  const grupos = gruposDe.get(registry) ?? mostrar(registry)
  const cartas = async (): Promise<Cartas> => {
    const [row] = await sql<Cartas[]>`
      select current_database() as database, count(*)::float8 as quantas from carta_morta`
    return row ?? { database: '', quantas: 0 }
  }
  grupos.set(grupo, { marcas: createLook(marcas), cartas: createLook(cartas) })
}

function mostrar(registry: Registry): Map<string, Grupo> {
  const grupos = new Map<string, Grupo>()
  gruposDe.set(registry, grupos)
  const porParticao = (name: string, help: string, valor: (marca: Marca) => number): void => {
    gauge(registry, {
      name,
      help,
      labelNames: ['group', 'particao'],
      async collect() {
        this.reset()
        for (const [group, { marcas }] of grupos) {
          for (const marca of (await marcas()) ?? []) {
            this.set({ group, particao: String(marca.particao) }, valor(marca))
          }
        }
      },
    })
  }
  porParticao('fluxo_follow_aplicada_ate', 'Everything up to this position has had its effect.', (m) => m.aplicadaAte)
  porParticao(
    'fluxo_follow_parada',
    '1 where the group stands still, since its log is another one than it followed.',
    ({ divergente }) => (divergente === null ? 0 : 1),
  )
  gauge(registry, {
    name: 'fluxo_follow_dead_letters',
    help: 'Events that the groups of a database could never apply, each kept with its reason.',
    labelNames: ['database'],
    async collect() {
      this.reset()
      for (const { cartas } of grupos.values()) {
        const vistas = await cartas()
        if (vistas !== undefined) this.set({ database: vistas.database }, vistas.quantas)
      }
    },
  })
  return grupos
}
