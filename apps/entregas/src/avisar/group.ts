import type { Group } from '@fluxo/shared/follow/group'
import { AVISOS_INBOX, avisoEffect } from './aviso-store.ts'
import { type AvisoEvento, readAvisoEvento } from './read-evento.ts'

/** The consumer group of the webhooks on the orders' streams. */
export const AVISOS_GROUP = 'entregas-avisos'

/** The webhooks as a group of the orders' log: each event is noted for whoever wants to hear of it. */
export const AVISOS: Group<AvisoEvento> = {
  group: AVISOS_GROUP,
  inbox: AVISOS_INBOX,
  read: readAvisoEvento,
  effect: avisoEffect,
}
