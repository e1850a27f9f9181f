import { evento } from '@fluxo/drizzle/entregas/schema'
import type { Answered, LogTable } from '@fluxo/shared/log/log-table'
import type { EventoSource } from '../domain/change.ts'
import { type EventoKind, eventoData, factOf, type PedidoEvento } from '../domain/evento.ts'
import { type FailureReason, statusOfCode } from '../domain/status.ts'
import { PEDIDO_JSON, type PedidoRow } from './pedido-row.ts'

type Stored = typeof evento.$inferSelect

/** An event as the log's statements answer it. */
export type EventoRow = Answered<
  Omit<Stored, 'particao' | 'referencia' | 'chave' | 'impressao' | 'reason' | 'source'>
> & {
  reason: FailureReason | null
  source: EventoSource
}

/** What is known of a row that a key found: the order now, and the fingerprint of what was asked then. */
export type KnownPedido = { pedido: PedidoRow; impressao: string | null; posicao: number }

/** Codes of the kinds of events in the database, by their index. */
const KINDS: readonly EventoKind[] = ['change', 'note', 'correction']
export const CHANGE = 0
export const NOTE = 1
export const CORRECTION = 2

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`

const EVENTO_READ = {
  id: 'id',
  pedido_id: 'pedido_id',
  comerciante_id: 'comerciante_id',
  seq: 'seq',
  especie: 'especie::int',
  status: 'status::int',
  anterior: 'anterior::int',
  informado: 'informado::int',
  tentativas: 'tentativas::int',
  entregas: 'entregas::int',
  valor: 'valor::text',
  reason: 'reason',
  note: 'note',
  location: 'location',
  actor: 'actor',
  source: 'source',
  codigo: 'codigo',
  occurred_at: ms('occurred_at'),
  created_at: ms('created_at'),
  entregue_em: ms('entregue_em'),
  rastro: 'rastro',
} as const

/** SQL over `evento`: its columns as `EventoRow` names them. */
export const EVENTO_COLUMNS = Object.entries({ posicao: 'posicao::float8', ...EVENTO_READ })
  .map(([name, expression]) => `${expression} as ${name}`)
  .join(', ')

/** The orders' events as a log: by which keys one is known again, and which fact each tells. */
export const EVENTOS: LogTable<EventoRow> = {
  name: 'orders',
  table: evento,
  keys: { chave: ['comerciante_id', 'chave'], referencia: ['comerciante_id', 'referencia'] },
  known: {
    pedido: `(select ${PEDIDO_JSON} from pedido p where p.id = e.pedido_id)`,
    impressao: `encode(impressao, 'hex')`,
  },
  read: EVENTO_READ,
  fact: (row) => {
    const acontecido = eventoFromRow(row)
    return {
      id: row.id,
      source: '/entregas',
      type: factOf(acontecido),
      subject: row.pedido_id,
      time: acontecido.createdAt.toISOString(),
      ...(row.rastro !== null && { traceparent: row.rastro }),
      data: eventoData(acontecido),
    }
  },
}

/** Reads an event from its row. */
export const eventoFromRow = (row: EventoRow): PedidoEvento => ({
  id: row.id,
  pedidoId: row.pedido_id,
  comercianteId: row.comerciante_id,
  seq: row.seq,
  especie: KINDS[row.especie] ?? 'change',
  status: statusOfCode(row.status),
  anterior: row.anterior === null ? undefined : statusOfCode(row.anterior),
  informado: row.informado === null ? undefined : statusOfCode(row.informado),
  reason: row.reason ?? undefined,
  note: row.note ?? undefined,
  location: row.location ?? undefined,
  actor: row.actor,
  source: row.source,
  codigo: row.codigo ?? undefined,
  tentativas: row.tentativas,
  entregas: row.entregas,
  deliveredAt: row.entregue_em === null ? undefined : new Date(row.entregue_em),
  valor: row.valor === null ? undefined : BigInt(row.valor),
  occurredAt: new Date(row.occurred_at),
  createdAt: new Date(row.created_at),
  traceparent: row.rastro ?? undefined,
})
