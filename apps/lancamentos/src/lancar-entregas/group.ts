import type { Group } from '@fluxo/shared/follow/group'
import type { Effect } from '@fluxo/shared/inbox/statement'
import { type EntregaEvento, readEntregaPaga } from './read-evento.ts'
import { createRecord, type RecordDeps } from './record.ts'

/** Streams of the orders' events. The name is the contract with entregas. */
export const STREAM_DOS_PEDIDOS = 'fluxo:pedidos'
/** The consumer group of the ledger on them. */
export const LANCAMENTOS_GROUP = 'lancamentos'

/** The entries are in the ledger before their positions are noted; nothing else is to be done with them. */
const NO_EFFECT: Effect<EntregaEvento, undefined> = {
  columns: [],
  ctes: 'nada as (select 1)',
  result: 'null::text',
  parse: () => undefined,
}

/** The money of orders as a group of their log: the entries come first, the position is noted after them. */
export function entregasGroup(deps: RecordDeps): Group<EntregaEvento> {
  const record = createRecord(deps)
  return { group: LANCAMENTOS_GROUP, read: readEntregaPaga, before: (_, rows) => record(rows), effect: NO_EFFECT }
}
