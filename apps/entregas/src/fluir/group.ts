import type { Group } from '@fluxo/shared/follow/group'
import { type FluxoOptions, type PlannedPasso, planPasso } from './fluir.ts'
import { planningEffect } from './passo-store.ts'
import { readFlowEvento } from './read-evento.ts'

/** The consumer group of the automatic flow on the orders' streams. */
export const FLUXO_GROUP = 'entregas'

/** The automatic flow as a group of the orders' log: each event plans the step that follows from it. */
export const fluxoGroup = (options: FluxoOptions): Group<PlannedPasso> => ({
  group: FLUXO_GROUP,
  read: (evento, posicao) => {
    const flowEvento = readFlowEvento(evento, posicao)
    return typeof flowEvento === 'string' ? flowEvento : planPasso(flowEvento, options)
  },
  effect: planningEffect,
})
