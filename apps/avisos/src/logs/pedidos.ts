import { type Reader, readData } from '@fluxo/shared/log/event'
import { z } from 'zod'

/** What the webhooks need of an event: whose it is and what it is called. What it says is read when it is sent. */
export type AvisoEvento = { posicao: number; id: string; comercianteId: string; tipo: string }

const DadosSchema = z.object({ comerciante_id: z.string() })

/** Reads an event of the log as the webhooks need it. */
export const readAvisoEvento: Reader<AvisoEvento> = (evento, posicao) => {
  const data = readData(DadosSchema, evento)
  if (typeof data === 'string') return data
  return { posicao, id: evento.id, comercianteId: data.comerciante_id, tipo: evento.type }
}
