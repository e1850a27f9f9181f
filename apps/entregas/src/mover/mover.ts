import { DomainError, ValidationError } from '@fluxo/shared/errors'
import type { PedidoChange } from '../domain/change.ts'
import { cancellationImpressao } from '../domain/impressao.ts'
import type { Cancellation, Pedido } from '../domain/pedido.ts'
import {
  allowedStatuses,
  cancellationStatus,
  type FailureReason,
  type Status,
  statusesBefore,
} from '../domain/status.ts'
import { FUTURE_MESSAGE, isFuture } from '../domain/time.ts'

/** A transition that was asked for, already parsed. */
export type TransicaoRequest = {
  status: Status
  reason?: FailureReason | undefined
  note?: string | undefined
  location?: string | undefined
  occurred_at?: Date | undefined
  version?: number | undefined
}

/** Refuses an event that has not happened yet. */
export function requirePast(happenedAt: Date, now: Date): void {
  if (isFuture(happenedAt, now)) throw new ValidationError([{ campo: 'occurred_at', mensagem: FUTURE_MESSAGE }])
}

type MoveContext = { pedidoId: string; comercianteId: string; now: Date }

/**
 * Decides the change that a transition asks for, without having read the order: the machine's arrows to the status are
 * the guard, and the statement that moves the order checks it.
 */
export function changeForTransicao(
  request: TransicaoRequest,
  { pedidoId, comercianteId, now }: MoveContext,
): PedidoChange {
  const { status, reason, note, location, occurred_at: occurredAt = now, version } = request
  requirePast(occurredAt, now)
  return {
    pedidoId,
    comercianteId,
    to: status,
    from: statusesBefore(status),
    versao: version,
    details: { reason, note, location, actor: comercianteId, source: 'api', occurredAt },
  }
}

/** Decides what a cancellation makes of an order, or throws why nothing is left to cancel. */
export function changeForCancellation(pedido: Pedido, { note, version }: Cancellation, now: Date): PedidoChange {
  if (version !== undefined && version !== pedido.version) throw outdated(pedido)
  const to = cancellationStatus(pedido.status)
  if (to === undefined) throw invalid(pedido, 'O pedido não pode mais ser cancelado')
  const { id: pedidoId, comercianteId } = pedido
  const details = { note, actor: comercianteId, source: 'api', occurredAt: now } as const
  const impressao = cancellationImpressao(pedidoId, { note, version })
  return { pedidoId, comercianteId, to, from: [pedido.status], versao: pedido.version, details, impressao }
}

/**
 * Why the guard did not let a transition in, by the order as it stands; `undefined` where it would be let in now, since
 * somebody else has moved the order in between.
 */
export function refusalOf(
  pedido: Pedido,
  { to, versao }: Pick<PedidoChange, 'to' | 'versao'>,
): DomainError | undefined {
  if (versao !== undefined && versao !== pedido.version) return outdated(pedido)
  if (to === undefined || allowedStatuses(pedido).includes(to)) return undefined
  return invalid(pedido, `O pedido está em ${pedido.status} e não pode ir para ${to}`)
}

const outdated = ({ version, status }: Pedido): DomainError =>
  new DomainError('versao-desatualizada', 'O pedido já mudou: leia-o de novo.', { atual: status, version })

const invalid = (pedido: Pedido, message: string): DomainError =>
  new DomainError('transicao-invalida', `${message}.`, {
    permitidas: allowedStatuses(pedido),
    atual: pedido.status,
    version: pedido.version,
  })

/** The refusal of a key under which something else was asked for. */
export const keyReused = (): DomainError =>
  new DomainError('chave-reutilizada', 'Esta Idempotency-Key já registrou outro pedido ou outra mudança.')

/** The refusal of an order that is not there, or another merchant's. */
export const notFound = (): DomainError => new DomainError('nao-encontrado', 'Não há pedido com este id.')
