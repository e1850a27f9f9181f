import { Indisponivel } from '@fluxo/shared/errors'
import type { Lugar } from '@fluxo/shared/http/posicao'
import { impressaoDaMudanca, impressaoDoCancelamento } from '../domain/impressao.ts'
import type { Cancelamento, Pedido } from '../domain/pedido.ts'
import type { LeituraStore } from '../listar/store.ts'
import {
  cancelamentoPedido,
  chaveReutilizada,
  naoEncontrado,
  type PedidoDeTransicao,
  recusaDe,
  transicaoPedida,
} from './mover.ts'
import type { Mudado, PedidoStore } from './store.ts'

export type MudarDeps = {
  store: Pick<PedidoStore, 'mover'>
  leitura: Pick<LeituraStore, 'porId' | 'porChave'>
  novoId: () => string
  agora: () => Date
}

/** Who asks for a change of which order, and under which key. */
type Pedinte = {
  comercianteId: string
  pedidoId: string
  chave?: string | undefined
  rastro?: string | undefined
}

/** The order after the change, and where its event stands; `repetido` where its key had made the change before. */
export type Feita = Lugar & { pedido: Pedido; repetido: boolean }

/** Others may move the order between our look and our statement; so often in a row, somebody is at it in a loop. */
export const CORRIDAS_MAX = 5
const RETRY_AFTER_SECONDS = 1

/** The refusal of an order that others keep moving while we try to. */
export const pedidoOcupado = (): Indisponivel =>
  new Indisponivel('pedido-ocupado', 'O pedido está mudando agora. Tente de novo.', RETRY_AFTER_SECONDS)

/** Makes the transition that a merchant asks for, or throws why it is refused. */
export async function transitarPedido(
  { store, leitura, novoId, agora }: MudarDeps,
  pedinte: Pedinte,
  pedida: PedidoDeTransicao,
): Promise<Feita> {
  const { comercianteId, pedidoId, chave, rastro } = pedinte
  const createdAt = agora()
  const mudanca = transicaoPedida(pedida, { pedidoId, comercianteId, agora: createdAt })
  for (let corrida = 0; corrida < CORRIDAS_MAX; corrida += 1) {
    const mudado = await store.mover({ mudanca, eventoId: novoId(), createdAt, chave, rastro })
    if (mudado.desfecho !== 'barrado') return feitaDe(mudado)
    const pedido = await leitura.porId(comercianteId, pedidoId)
    if (pedido === undefined) throw naoEncontrado()
    const recusa = recusaDe(pedido, mudanca)
    if (recusa) {
      const feita = await jaFeita(leitura, pedinte, impressaoDaMudanca(mudanca))
      if (feita === undefined) throw recusa
      return feita
    }
  }
  throw pedidoOcupado()
}

/** Cancels an order, or turns it back, or throws why nothing is left to cancel. */
export async function cancelarPedido(
  { store, leitura, novoId, agora }: MudarDeps,
  pedinte: Pedinte,
  pedida: Cancelamento,
): Promise<Feita> {
  const { comercianteId, pedidoId, chave, rastro } = pedinte
  const impressao = impressaoDoCancelamento(pedidoId, pedida)
  for (let corrida = 0; corrida < CORRIDAS_MAX; corrida += 1) {
    const pedido = await leitura.porId(comercianteId, pedidoId)
    if (pedido === undefined) throw naoEncontrado()
    // What a cancellation leads to depends on where the order is, so a repeated one is looked for before it is decided.
    const feita = await jaFeita(leitura, pedinte, impressao)
    if (feita !== undefined) return feita
    const createdAt = agora()
    const mudanca = cancelamentoPedido(pedido, pedida, createdAt)
    const mudado = await store.mover({ mudanca, eventoId: novoId(), createdAt, chave, rastro })
    if (mudado.desfecho !== 'barrado') return feitaDe(mudado)
  }
  throw pedidoOcupado()
}

function feitaDe(mudado: Exclude<Mudado, { desfecho: 'barrado' }>): Feita {
  if (mudado.desfecho === 'conflito-de-chave') throw chaveReutilizada()
  const { pedido, particao, posicao, desfecho } = mudado
  return { pedido, repetido: desfecho === 'repetido', particao, posicao }
}

/**
 * The change that this key has made already. Asked after the order was read and before anything is refused: a repeated
 * request may have waited in its statement, or between the two, for the very one that made it.
 */
async function jaFeita(
  leitura: MudarDeps['leitura'],
  { comercianteId, pedidoId, chave }: Pedinte,
  impressao: string,
): Promise<Feita | undefined> {
  const conhecida = chave === undefined ? undefined : await leitura.porChave(comercianteId, chave)
  if (conhecida === undefined) return undefined
  if (conhecida.impressao !== impressao) throw chaveReutilizada()
  const pedido = await leitura.porId(comercianteId, pedidoId)
  const { particao, posicao } = conhecida
  return pedido && { pedido, repetido: true, particao, posicao }
}
