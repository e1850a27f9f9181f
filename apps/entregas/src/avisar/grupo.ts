import type { Group } from '@fluxo/shared/follow/group'
import { efeitoDeAvisar, INBOX_DE_AVISOS } from './aviso-store.ts'
import { type Avisavel, lerAvisavel } from './ler-evento.ts'

/** The consumer group of the webhooks on the orders' streams. */
export const GRUPO_DE_AVISOS = 'entregas-avisos'

/** The webhooks as a group of the orders' log: each event is noted for whoever wants to hear of it. */
export const AVISOS: Group<Avisavel> = {
  group: GRUPO_DE_AVISOS,
  inbox: INBOX_DE_AVISOS,
  read: lerAvisavel,
  effect: efeitoDeAvisar,
}
