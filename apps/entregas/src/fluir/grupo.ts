import type { Group } from '@fluxo/shared/follow/group'
import { type FluxoOptions, type Planejado, planejar } from './fluir.ts'
import { lerAcontecido } from './ler-evento.ts'
import { efeitoDePlanejar } from './passo-store.ts'

/** The consumer group of the automatic flow on the orders' streams. */
export const GRUPO = 'entregas'

/** The automatic flow as a group of the orders' log: each event plans the step that follows from it. */
export const grupoDoFluxo = (options: FluxoOptions): Group<Planejado> => ({
  group: GRUPO,
  read: (evento, posicao) => {
    const acontecido = lerAcontecido(evento, posicao)
    return typeof acontecido === 'string' ? acontecido : planejar(acontecido, options)
  },
  effect: efeitoDePlanejar,
})
