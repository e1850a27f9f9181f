import { type Reader, readData } from '@fluxo/shared/log/event'
import { z } from 'zod'
import { STATUSES } from '../domain/status.ts'
import type { FlowEvento } from './fluir.ts'

const DadosSchema = z.object({
  order_id: z.guid(),
  comerciante_id: z.string(),
  seq: z.int().positive(),
  status: z.enum(STATUSES),
})

/** Reads an event of the log as the flow needs it. Every event has the same shape, whatever its type. */
export const readFlowEvento: Reader<FlowEvento> = (evento, posicao) => {
  const data = readData(DadosSchema, evento)
  if (typeof data === 'string') return data
  return {
    posicao,
    id: evento.id,
    pedidoId: data.order_id,
    comercianteId: data.comerciante_id,
    seq: data.seq,
    status: data.status,
    recordedAt: Date.parse(evento.time),
    traceparent: evento.traceparent,
  }
}
