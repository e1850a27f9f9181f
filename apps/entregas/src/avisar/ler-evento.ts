import { lerEvento } from '@fluxo/shared/log/event'
import { z } from 'zod'

/** What the webhooks need of an event: whose it is and what it is called. What it says is read when it is sent. */
export type Avisavel = { posicao: number; id: string; comercianteId: string; tipo: string }

const DadosSchema = z.object({ comerciante_id: z.string() })

export type Lido = { ok: true; epoca: string; row: Avisavel } | { ok: false; motivo: string }

/** Reads an event of the log as the webhooks need it. */
export function lerAvisavel(posicao: number, evento: unknown): Lido {
  const lido = lerEvento(DadosSchema, posicao, evento)
  if (!lido.ok) return lido
  const { id, epoca, type: tipo, data } = lido.evento
  return { ok: true, epoca, row: { posicao, id, comercianteId: data.comerciante_id, tipo } }
}
