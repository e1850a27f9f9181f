import { Unavailable } from '@fluxo/shared/errors'
import type { LogPosition } from '@fluxo/shared/http/posicao'
import { cancellationImpressao, changeImpressao } from '../domain/impressao.ts'
import type { Cancellation, Pedido } from '../domain/pedido.ts'
import type { PedidoReadStore } from '../listar/store.ts'
import {
  changeForCancellation,
  changeForTransicao,
  keyReused,
  notFound,
  refusalOf,
  type TransicaoRequest,
} from './mover.ts'
import type { MoveResult, PedidoStore } from './store.ts'

export type ChangePedidoDeps = {
  store: Pick<PedidoStore, 'mover'>
  reads: Pick<PedidoReadStore, 'byId' | 'byChave'>
  newId: () => string
  now: () => Date
}

/** Who asks for a change of which order, and under which key. */
type Requester = {
  comercianteId: string
  pedidoId: string
  chave?: string | undefined
  traceparent?: string | undefined
}

/** The order after the change, and where its event stands; `repeated` where its key had made the change before. */
export type MovedPedido = LogPosition & { pedido: Pedido; repeated: boolean }

/** Others may move the order between our look and our statement; so often in a row, somebody is at it in a loop. */
export const TRIES_MAX = 5
const RETRY_AFTER_SECONDS = 1

/** The refusal of an order that others keep moving while we try to. */
export const pedidoBusy = (): Unavailable =>
  new Unavailable('pedido-ocupado', 'O pedido está mudando agora. Tente de novo.', RETRY_AFTER_SECONDS)

/** Makes the transition that a merchant asks for, or throws why it is refused. */
export async function transitionPedido(
  { store, reads, newId, now }: ChangePedidoDeps,
  requester: Requester,
  request: TransicaoRequest,
): Promise<MovedPedido> {
  const { comercianteId, pedidoId, chave, traceparent } = requester
  const createdAt = now()
  const change = changeForTransicao(request, { pedidoId, comercianteId, now: createdAt })
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const result = await store.mover({ change, eventoId: newId(), createdAt, chave, traceparent })
    if (result.outcome !== 'guarded') return movedPedido(result)
    const pedido = await reads.byId(comercianteId, pedidoId)
    if (pedido === undefined) throw notFound()
    const refusal = refusalOf(pedido, change)
    if (refusal) {
      const moved = await madeBefore(reads, requester, changeImpressao(change))
      if (moved === undefined) throw refusal
      return moved
    }
  }
  throw pedidoBusy()
}

/** Cancels an order, or turns it back, or throws why nothing is left to cancel. */
export async function cancelPedido(
  { store, reads, newId, now }: ChangePedidoDeps,
  requester: Requester,
  request: Cancellation,
): Promise<MovedPedido> {
  const { comercianteId, pedidoId, chave, traceparent } = requester
  const impressao = cancellationImpressao(pedidoId, request)
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const pedido = await reads.byId(comercianteId, pedidoId)
    if (pedido === undefined) throw notFound()
    // What a cancellation leads to depends on where the order is, so a repeated one is looked for before it is decided.
    const moved = await madeBefore(reads, requester, impressao)
    if (moved !== undefined) return moved
    const createdAt = now()
    const change = changeForCancellation(pedido, request, createdAt)
    const result = await store.mover({ change, eventoId: newId(), createdAt, chave, traceparent })
    if (result.outcome !== 'guarded') return movedPedido(result)
  }
  throw pedidoBusy()
}

function movedPedido(result: Exclude<MoveResult, { outcome: 'guarded' }>): MovedPedido {
  if (result.outcome === 'key-conflict') throw keyReused()
  const { pedido, particao, posicao, outcome } = result
  return { pedido, repeated: outcome === 'repeated', particao, posicao }
}

/**
 * The change that this key has made already. Asked after the order was read and before anything is refused: a repeated
 * request may have waited in its statement, or between the two, for the very one that made it.
 */
async function madeBefore(
  reads: ChangePedidoDeps['reads'],
  { comercianteId, pedidoId, chave }: Requester,
  impressao: string,
): Promise<MovedPedido | undefined> {
  const known = chave === undefined ? undefined : await reads.byChave(comercianteId, chave)
  if (known === undefined) return undefined
  if (known.impressao !== impressao) throw keyReused()
  const pedido = await reads.byId(comercianteId, pedidoId)
  const { particao, posicao } = known
  return pedido && { pedido, repeated: true, particao, posicao }
}
