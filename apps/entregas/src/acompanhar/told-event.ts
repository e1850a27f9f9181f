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

/** The event as merchants see it. */
type ToldEvent = {
  seq: number
  /** The same JSON value that `GET /orders/{id}/events` shows. */
  item: Readonly<Record<string, unknown>>
}

/** Reads an event of the log for those outside who are told of it. */
export const readToldEvent: Reader<ToldEvent> = (evento) => {
  const data = readData(DadosSchema, evento)
  if (typeof data === 'string') return data
  const { id, time } = evento
  const { order_id, comerciante_id: _, seq, status, actor, source, occurred_at, ...rest } = data
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
  return { seq, item }
}

/** Reads an event of the log for the streams; `undefined` where it is none. */
export function readLiveEvent(posicao: number, body: string): LiveEvent | undefined {
  const read = readText(readToldEvent, posicao, body)
  return read.outcome === 'read' ? liveEvent(read.row.seq, read.row.item) : undefined
}
