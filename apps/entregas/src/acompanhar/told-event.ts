import type { LiveEvent } from '@fluxo/shared/live/audience'
import { type Reader, readData, readText } from '@fluxo/shared/log/event'
import { z } from 'zod'
import { STATUSES } from '../domain/status.ts'
import { liveEvent } from './acompanhar.ts'

const optional = z.string().optional()

/** An event of the log as it travels. Readers ignore what they do not know. */
const DadosSchema = z.object({
  order_id: z.guid(),
  comerciante_id: z.string(),
  seq: z.int().positive(),
  status: z.enum(STATUSES),
  previous_status: z.string().nullable(),
  reason: optional,
  note: optional,
  location: optional,
  carrier_code: optional,
  tracking_code: optional,
  reported_status: optional,
  attempt: z.int().optional(),
  actor: z.string(),
  source: z.string(),
  occurred_at: z.string(),
})

/** The event as merchants see it (an item of `GET /orders/{id}/events`), plus its merchant and its type. */
export type ToldEvent = {
  posicao: number
  id: string
  tipo: string
  pedidoId: string
  comercianteId: string
  seq: number
  /** When it was recorded. */
  at: string
  traceparent: string | undefined
  /** The same JSON value that `GET /orders/{id}/events` shows. */
  item: Readonly<Record<string, unknown>>
}

/** Reads an event of the log for those outside who are told of it. */
export const readToldEvent: Reader<ToldEvent> = (evento, posicao) => {
  const data = readData(DadosSchema, evento)
  if (typeof data === 'string') return data
  const { id, type: tipo, time, traceparent } = evento
  const { order_id, comerciante_id: comercianteId, seq, status, actor, source, occurred_at, ...rest } = data
  const { previous_status, ...optionals } = rest
  const item = {
    id,
    order_id,
    status,
    timestamp: time,
    seq,
    previous_status,
    ...optionals,
    actor,
    occurred_at,
    source,
  }
  return { posicao, id, tipo, pedidoId: order_id, comercianteId, seq, at: time, traceparent, item }
}

/** Reads an event of the log for the streams; `undefined` where it is none. */
export function readLiveEvent(posicao: number, body: string): LiveEvent | undefined {
  const read = readText(readToldEvent, posicao, body)
  return read.outcome === 'read' ? liveEvent(read.row.seq, read.row.item) : undefined
}
