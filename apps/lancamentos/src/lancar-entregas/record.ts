import type { Refused } from '@fluxo/shared/follow/group'
import { converting, isPoison, reasonOf } from '@fluxo/shared/postgres/isolate'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { isSampled, type Tracing } from '@fluxo/shared/telemetry/tracing'
import type { Registration } from '../registrar/registration.ts'
import type { LancamentoStore } from '../registrar/store.ts'
import { type EntregaPaga, entregaChave, entregaEstorno, entregaLancamento, returnChave } from './lancar-entregas.ts'
import type { EntregaEvento } from './read-evento.ts'

export type RecordDeps = {
  store: Pick<LancamentoStore, 'registrar'>
  newId: () => string
  now: () => Date
  log: Logger
  tracing?: Tracing | undefined
}

/**
 * Registers the entries of orders' events, and gives the events that can never be one.
 *
 * Idempotent by the ledger's own keys, so an event that comes again finds its entry. A return brings its delivery along:
 * whichever instance is first registers both, in this order. Rejects where the ledger cannot answer now.
 */
export const createRecord =
  (deps: RecordDeps) =>
  async (rows: readonly EntregaEvento[]): Promise<Refused[]> => {
    const refused = await Promise.all(
      rows.map(async ({ posicao, entrega }) => {
        if (entrega === undefined) return []
        try {
          await recordInTrace(deps, entrega)
          return []
        } catch (error) {
          if (!isPoison(error)) throw error
          return [{ posicao, reason: reasonOf(error) }]
        }
      }),
    )
    return refused.flat()
  }

/** Registers the money of an event, and shows it in the trace of its order: the entries go on from there. */
async function recordInTrace(deps: RecordDeps, entrega: EntregaPaga): Promise<void> {
  const { tracing } = deps
  const { traceparent, pedidoId, deliveryNumber } = entrega
  if (tracing === undefined || traceparent === undefined || !isSampled(traceparent)) return record(deps, entrega)
  const attributes = { pedidoId, deliveryNumber, devolvido: entrega.returnedAt !== undefined }
  const span = tracing.start('order money', { parent: traceparent, kind: 'consumer', attributes })
  try {
    await record(deps, { ...entrega, traceparent: span.traceparent })
    span.end()
  } catch (error) {
    span.end({ error })
    throw error
  }
}

async function record(deps: RecordDeps, entrega: EntregaPaga): Promise<void> {
  const { store, newId, now } = deps
  const idAndTime = () => ({ id: newId(), now: now() })
  const credit = await store.registrar({
    lancamento: converting(() => entregaLancamento(entrega, idAndTime())),
    chave: entregaChave(entrega),
  })
  warn(deps, entrega, credit)
  const { returnedAt } = entrega
  if (returnedAt === undefined || credit.lancamento.estorna !== undefined) return
  const lancamento = converting(() => entregaEstorno(credit.lancamento, entrega, returnedAt, idAndTime()))
  warn(deps, entrega, await store.registrar({ lancamento, chave: returnChave(entrega) }))
}

/** If the merchant already used our `referencia` by hand, no second entry is made; that is logged. */
function warn(
  { log }: RecordDeps,
  { pedidoId, deliveryNumber }: EntregaPaga,
  { outcome, lancamento }: Registration,
): void {
  if (outcome === 'created' || outcome === 'repeated') return
  log.warn(
    { pedidoId, deliveryNumber, outcome, lancamento: lancamento.id },
    'the money of an order was in the books already',
  )
}
