import { DomainError, ValidationError } from '@fluxo/shared/errors'
import { impressaoDoCancelamento } from '../domain/impressao.ts'
import { MENSAGEM_DE_FUTURO, noFuturo } from '../domain/momento.ts'
import type { Mudanca } from '../domain/mudanca.ts'
import type { Cancelamento, Pedido } from '../domain/pedido.ts'
import { anterioresDe, cancelamentoDe, type Motivo, permitidas, type Status } from '../domain/status.ts'

/** A transition that was asked for, already parsed. */
export type PedidoDeTransicao = {
  status: Status
  reason?: Motivo | undefined
  note?: string | undefined
  location?: string | undefined
  occurred_at?: Date | undefined
  version?: number | undefined
}

/** Refuses an event that has not happened yet. */
export function exigirPassado(ocorridoEm: Date, agora: Date): void {
  if (noFuturo(ocorridoEm, agora)) throw new ValidationError([{ campo: 'occurred_at', mensagem: MENSAGEM_DE_FUTURO }])
}

type Quem = { pedidoId: string; comercianteId: string; agora: Date }

/**
 * Decides the change that a transition asks for, without having read the order: the machine's arrows to the status are
 * the guard, and the statement that moves the order checks it.
 */
export function transicaoPedida(pedida: PedidoDeTransicao, { pedidoId, comercianteId, agora }: Quem): Mudanca {
  const { status, reason, note, location, occurred_at: occurredAt = agora, version } = pedida
  exigirPassado(occurredAt, agora)
  return {
    pedidoId,
    comercianteId,
    para: status,
    de: anterioresDe(status),
    versao: version,
    relato: { reason, note, location, actor: comercianteId, source: 'api', occurredAt },
  }
}

/** Decides what a cancellation makes of an order, or throws why nothing is left to cancel. */
export function cancelamentoPedido(pedido: Pedido, { note, version }: Cancelamento, agora: Date): Mudanca {
  if (version !== undefined && version !== pedido.version) throw desatualizada(pedido)
  const para = cancelamentoDe(pedido.status)
  if (para === undefined) throw invalida(pedido, 'O pedido não pode mais ser cancelado')
  const { id: pedidoId, comercianteId } = pedido
  const relato = { note, actor: comercianteId, source: 'api', occurredAt: agora } as const
  const impressao = impressaoDoCancelamento(pedidoId, { note, version })
  return { pedidoId, comercianteId, para, de: [pedido.status], versao: pedido.version, relato, impressao }
}

/**
 * Why the guard did not let a transition in, by the order as it stands; `undefined` where it would be let in now, since
 * somebody else has moved the order in between.
 */
export function recusaDe(pedido: Pedido, { para, versao }: Pick<Mudanca, 'para' | 'versao'>): DomainError | undefined {
  if (versao !== undefined && versao !== pedido.version) return desatualizada(pedido)
  if (para === undefined || permitidas(pedido).includes(para)) return undefined
  return invalida(pedido, `O pedido está em ${pedido.status} e não pode ir para ${para}`)
}

const desatualizada = ({ version, status }: Pedido): DomainError =>
  new DomainError('versao-desatualizada', 'O pedido já mudou: leia-o de novo.', { atual: status, version })

const invalida = (pedido: Pedido, mensagem: string): DomainError =>
  new DomainError('transicao-invalida', `${mensagem}.`, {
    permitidas: permitidas(pedido),
    atual: pedido.status,
    version: pedido.version,
  })

/** The refusal of a key under which something else was asked for. */
export const chaveReutilizada = (): DomainError =>
  new DomainError('chave-reutilizada', 'Esta Idempotency-Key já registrou outro pedido ou outra mudança.')

/** The refusal of an order that is not there, or another merchant's. */
export const naoEncontrado = (): DomainError => new DomainError('nao-encontrado', 'Não há pedido com este id.')
