import { centsFromDecimal } from '@fluxo/shared/money'
import { z } from 'zod'
import type { Lancado } from './efeito.ts'

/** The one fact that this reader understands. Another version is another fact: it waits among the dead letters. */
export const LANCAMENTO_REGISTRADO = 'lancamento.registrado.v1'

const SEQUENCE = /^\d{16}$/
const DIA = /^(19\d\d|2[01]\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/
const DIAS_DO_MES = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const isBissexto = (ano: number): boolean => ano % 4 === 0 && (ano % 100 !== 0 || ano % 400 === 0)

/** A real day of 1900–2199, the range that the ledger accepts (API.md). Arithmetic: a `Date` per event costs more than the rest. */
const isDia = (texto: string): boolean => {
  const [, ano, mes, dia] = DIA.exec(texto) ?? []
  if (ano === undefined) return false
  const dias = mes === '02' && isBissexto(Number(ano)) ? 29 : DIAS_DO_MES[Number(mes) - 1]
  return Number(dia) <= (dias ?? 0)
}

/** What the projection reads of an event. Fields that it does not know are ignored, as every reader must. */
const EventoLidoSchema = z.object({
  id: z.guid(),
  type: z.literal(LANCAMENTO_REGISTRADO),
  sequence: z.string().regex(SEQUENCE),
  epoca: z.guid(),
  traceparent: z.string().optional(),
  /** For a metric only, so an event without it is as good as any. */
  time: z.unknown(),
  data: z.object({
    comerciante_id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
    tipo: z.enum(['CREDITO', 'DEBITO']),
    valor: z.string(),
    data: z.string().refine(isDia, { error: 'not a day' }),
  }),
})

export type EventoLido =
  | {
      ok: true
      lancado: Lancado
      epoca: string
      traceparent: string | undefined
      /** When the entry was registered, in ms since 1970; NaN where the event does not say. */
      registradoEm: number
    }
  | { ok: false; motivo: string }

const falha = (motivo: string): EventoLido => ({ ok: false, motivo })

/** Longest reason kept: it names fields, never values, so it is short unless everything is wrong. */
const MOTIVO_CHARS_MAX = 300

/**
 * Reads one event of the ledger that arrived at `posicao`, parsed from JSON.
 *
 * Whatever this reader cannot apply exactly is refused with a reason, in words that name fields and never values.
 */
export function lerEvento(posicao: number, evento: unknown): EventoLido {
  const lido = EventoLidoSchema.safeParse(evento)
  if (!lido.success) return falha(motivoDe(evento, lido.error))
  const { id, sequence, epoca, traceparent, time, data } = lido.data
  if (Number(sequence) !== posicao) return falha('sequence is not the position at which the event arrived')
  const centavos = centsFromDecimal(data.valor)
  if (centavos === undefined || centavos === 0n) return falha('data.valor: not a positive amount')
  const valor = data.tipo === 'CREDITO' ? centavos : -centavos
  return {
    ok: true,
    epoca,
    traceparent,
    registradoEm: typeof time === 'string' ? Date.parse(time) : Number.NaN,
    lancado: { posicao, id, comercianteId: data.comerciante_id, data: data.data, valor },
  }
}

/** Reads an event from its JSON text. */
export function lerTexto(posicao: number, body: string): EventoLido {
  let evento: unknown
  try {
    evento = JSON.parse(body)
  } catch {
    return falha('not JSON')
  }
  return lerEvento(posicao, evento)
}

function motivoDe(evento: unknown, error: z.ZodError): string {
  const type = typeof evento === 'object' && evento !== null && 'type' in evento ? evento.type : undefined
  if (typeof type === 'string' && type !== LANCAMENTO_REGISTRADO) {
    return `unknown type: ${type}`.slice(0, MOTIVO_CHARS_MAX)
  }
  const campos = error.issues.map(({ path, message }) => `${path.join('.') || 'event'}: ${message}`)
  return campos.join('; ').slice(0, MOTIVO_CHARS_MAX)
}
