import { decimalFromCents } from '@fluxo/shared/money'
import type { Lancamento, Tipo } from './lancamento.ts'

/** The past fact that every entry of the ledger is. A breaking change of its data gets a new name, `.v2`. */
export const LANCAMENTO_REGISTRADO = 'lancamento.registrado.v1'

/** Streams of the ledger's events: one per partition, `fluxo:lancamentos:{0}`. */
export const STREAM_PREFIX = 'fluxo:lancamentos'

/** `data` of the event. No `descricao`: no reader needs it, and what is not sent cannot leak. */
type LancamentoRegistrado = {
  id: string
  comerciante_id: string
  tipo: Tipo
  /** Decimal text with two places, exact. */
  valor: string
  data: string
  referencia?: string
  estorna?: string
}

/** The event data of an entry. Optional fields are absent, never null. */
export const eventoData = (
  l: Pick<Lancamento, 'id' | 'comercianteId' | 'tipo' | 'valor' | 'data' | 'referencia' | 'estorna'>,
): LancamentoRegistrado => ({
  id: l.id,
  comerciante_id: l.comercianteId,
  tipo: l.tipo,
  valor: decimalFromCents(l.valor),
  data: l.data,
  ...(l.referencia === undefined ? {} : { referencia: l.referencia }),
  ...(l.estorna === undefined ? {} : { estorna: l.estorna }),
})
