import { isDay } from '@fluxo/shared/day'
import { COMERCIANTE_ID } from '@fluxo/shared/id'
import type { Reader } from '@fluxo/shared/log/event'
import { centsFromDecimal } from '@fluxo/shared/money'
import type { SignedLancamento } from './projetar.ts'

/** The one fact that this reader reads. Another version is another fact, and becomes a dead letter. */
const LANCAMENTO_REGISTRADO = 'lancamento.registrado.v1'

/** Longest reason kept: only the name of an unknown type can be long. */
const REASON_CHARS_MAX = 300

/**
 * Reads one event of the ledger: what cannot be applied exactly is refused.
 *
 * Without a schema: every event of a backlog is read here, and one took a tenth of a consumer's time and a fifth of its allocations.
 */
export const readLancamento: Reader<SignedLancamento> = ({ id, type, time, data }, posicao) => {
  if (type !== LANCAMENTO_REGISTRADO) return `unknown type: ${type}`.slice(0, REASON_CHARS_MAX)
  if (typeof data !== 'object' || data === null) return 'data: not an object'
  const { comerciante_id: comercianteId, tipo, valor, data: dia } = data as Readonly<Record<string, unknown>>
  if (typeof comercianteId !== 'string' || !COMERCIANTE_ID.test(comercianteId))
    return 'data.comerciante_id: not a merchant'
  if (tipo !== 'CREDITO' && tipo !== 'DEBITO') return 'data.tipo: neither CREDITO nor DEBITO'
  if (typeof dia !== 'string' || !isDay(dia)) return 'data.data: not a day'
  const cents = typeof valor === 'string' ? centsFromDecimal(valor) : undefined
  if (cents === undefined || cents === 0n) return 'data.valor: not a positive amount'
  const valorComSinal = tipo === 'CREDITO' ? cents : -cents
  return { posicao, id, comercianteId, data: dia, valor: valorComSinal, registeredAt: Date.parse(time) }
}
