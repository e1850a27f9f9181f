import type { Refused } from '@fluxo/shared/follow/group'
import { converting, isPoison, reasonOf } from '@fluxo/shared/inbox/isolate'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { isSampled, type Tracing } from '@fluxo/shared/telemetry/tracing'
import type { Registro } from '../registrar/registro.ts'
import type { RegistroStore } from '../registrar/store.ts'
import { chaveDaDevolucao, chaveDaEntrega, type Entrega, estornoDaEntrega, lancamentoDaEntrega } from './faturar.ts'
import type { Lancavel } from './ler-evento.ts'

export type LancarDeps = {
  store: Pick<RegistroStore, 'registrar'>
  novoId: () => string
  agora: () => Date
  log: Logger
  tracing?: Tracing | undefined
}

/**
 * Registers the entries of orders' events, and gives the events that can never be one.
 *
 * Idempotent by the ledger's own keys, so an event that comes again finds its entry. A return brings its delivery along:
 * whichever instance is first registers both, in this order. Rejects where the ledger cannot answer now.
 */
export const createLancar =
  (deps: LancarDeps) =>
  async (rows: readonly Lancavel[]): Promise<Refused[]> => {
    const recusados = await Promise.all(
      rows.map(async ({ posicao, entrega }) => {
        if (entrega === undefined) return []
        try {
          await comRastro(deps, entrega)
          return []
        } catch (error) {
          if (!isPoison(error)) throw error
          return [{ posicao, reason: reasonOf(error) }]
        }
      }),
    )
    return recusados.flat()
  }

/** Registers the money of an event, and shows it in the trace of its order: the entries go on from there. */
async function comRastro(deps: LancarDeps, entrega: Entrega): Promise<void> {
  const { tracing } = deps
  const { rastro, pedidoId, numero } = entrega
  if (tracing === undefined || rastro === undefined || !isSampled(rastro)) return lancar(deps, entrega)
  const attributes = { pedidoId, numero, devolvido: entrega.devolvidoEm !== undefined }
  const span = tracing.start('order money', { parent: rastro, kind: 'consumer', attributes })
  try {
    await lancar(deps, { ...entrega, rastro: span.traceparent })
    span.end()
  } catch (error) {
    span.end({ error })
    throw error
  }
}

async function lancar(deps: LancarDeps, entrega: Entrega): Promise<void> {
  const { store, novoId, agora } = deps
  const momento = () => ({ id: novoId(), agora: agora() })
  const credito = await store.registrar({
    lancamento: converting(() => lancamentoDaEntrega(entrega, momento())),
    chave: chaveDaEntrega(entrega),
  })
  avisar(deps, entrega, credito)
  const { devolvidoEm } = entrega
  if (devolvidoEm === undefined || credito.lancamento.estorna !== undefined) return
  const lancamento = converting(() => estornoDaEntrega(credito.lancamento, entrega, devolvidoEm, momento()))
  avisar(deps, entrega, await store.registrar({ lancamento, chave: chaveDaDevolucao(entrega) }))
}

/** The merchant may have recorded the money by hand under our names: it is in the books once, and that is told. */
function avisar({ log }: LancarDeps, { pedidoId, numero }: Entrega, { desfecho, lancamento }: Registro): void {
  if (desfecho === 'criado' || desfecho === 'repetido') return
  log.warn({ pedidoId, numero, desfecho, lancamento: lancamento.id }, 'the money of an order was in the books already')
}
