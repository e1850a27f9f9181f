import { EventoSchema } from '@fluxo/shared/log/event'
import { z } from 'zod'

/** What the webhooks need of an event: whose it is and what it is called. What it says is read when it is sent. */
export type Avisavel = { posicao: number; id: string; comercianteId: string; tipo: string }

const LidoSchema = EventoSchema.extend({ data: z.object({ comerciante_id: z.string() }) })

export type Lido = { ok: true; epoca: string; row: Avisavel } | { ok: false; motivo: string }

/** Reads an event of the log as the webhooks need it. */
export function lerAvisavel(posicao: number, evento: unknown): Lido {
  const lido = LidoSchema.safeParse(evento)
  if (!lido.success) return { ok: false, motivo: lido.error.issues.map(({ path }) => path.join('.')).join('; ') }
  const { id, epoca, sequence, type: tipo, data } = lido.data
  if (Number(sequence) !== posicao) return { ok: false, motivo: 'sequence is not the position' }
  return { ok: true, epoca, row: { posicao, id, comercianteId: data.comerciante_id, tipo } }
}
