import { lerEvento as lerDoLog } from '@fluxo/shared/log/event'
import { z } from 'zod'
import { STATUSES } from '../domain/status.ts'
import type { Acontecido } from './fluir.ts'

const DadosSchema = z.object({
  order_id: z.guid(),
  comerciante_id: z.string(),
  seq: z.int().positive(),
  status: z.enum(STATUSES),
})

export type Lido = { ok: true; epoca: string; acontecido: Acontecido } | { ok: false; motivo: string }

/** Reads an event of the log as the flow needs it. Every event has the same shape, whatever its type. */
export function lerEvento(posicao: number, evento: unknown): Lido {
  const lido = lerDoLog(DadosSchema, posicao, evento)
  if (!lido.ok) return lido
  const { id, epoca, time, traceparent, data } = lido.evento
  return {
    ok: true,
    epoca,
    acontecido: {
      posicao,
      id,
      pedidoId: data.order_id,
      comercianteId: data.comerciante_id,
      seq: data.seq,
      status: data.status,
      registradoEm: Date.parse(time),
      rastro: traceparent,
    },
  }
}
