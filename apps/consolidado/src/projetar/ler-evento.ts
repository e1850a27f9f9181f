import { diaValido } from '@fluxo/shared/dia'
import { lerEnvelope } from '@fluxo/shared/log/event'
import { centsFromDecimal } from '@fluxo/shared/money'
import type { Lancado } from './efeito.ts'

/** The one fact that this reader understands. Another version is another fact: it waits among the dead letters. */
export const LANCAMENTO_REGISTRADO = 'lancamento.registrado.v1'

const COMERCIANTE = /^[A-Za-z0-9._-]{1,64}$/

const isTexto = (valor: unknown, forma: RegExp): valor is string => typeof valor === 'string' && forma.test(valor)

const isObjeto = (valor: unknown): valor is Readonly<Record<string, unknown>> =>
  typeof valor === 'object' && valor !== null

export type EventoLido =
  | {
      ok: true
      lancado: Lancado
      epoca: string
      traceparent: string | undefined
      /** When the entry was registered, in ms since 1970. */
      registradoEm: number
    }
  | { ok: false; motivo: string }

const falha = (motivo: string): EventoLido => ({ ok: false, motivo })

/** Longest reason kept: only the name of an unknown type can be long. */
const MOTIVO_CHARS_MAX = 300

/**
 * Reads one event of the ledger that arrived at `posicao`, parsed from JSON.
 *
 * Whatever this reader cannot apply exactly is refused with a reason, in words that name the wrong field and never its value.
 * Fields that it does not know are ignored, as every reader must. `data` by hand: every event of a backlog passes here, and a
 * schema took a tenth of a consumer's time and a fifth of its garbage.
 */
export function lerEvento(posicao: number, evento: unknown): EventoLido {
  const lido = lerEnvelope(posicao, evento)
  if (!lido.ok) return lido
  const { id, type, epoca, traceparent, time, data } = lido.evento
  if (type !== LANCAMENTO_REGISTRADO) return falha(`unknown type: ${type}`.slice(0, MOTIVO_CHARS_MAX))
  const lancado = lerDados(data)
  if (typeof lancado === 'string') return falha(lancado)
  return { ok: true, epoca, traceparent, registradoEm: Date.parse(time), lancado: { posicao, id, ...lancado } }
}

/** The entry within an event, or what is wrong with it. */
function lerDados(dados: unknown): Omit<Lancado, 'posicao' | 'id'> | string {
  if (!isObjeto(dados)) return 'data: not an object'
  const { comerciante_id: comercianteId, tipo, valor, data } = dados
  if (!isTexto(comercianteId, COMERCIANTE)) return 'data.comerciante_id: not a merchant'
  if (tipo !== 'CREDITO' && tipo !== 'DEBITO') return 'data.tipo: neither CREDITO nor DEBITO'
  if (typeof data !== 'string' || !diaValido(data)) return 'data.data: not a day'
  const centavos = typeof valor === 'string' ? centsFromDecimal(valor) : undefined
  if (centavos === undefined || centavos === 0n) return 'data.valor: not a positive amount'
  return { comercianteId, data, valor: tipo === 'CREDITO' ? centavos : -centavos }
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
