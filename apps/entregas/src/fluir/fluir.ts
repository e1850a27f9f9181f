import type { PedidoChange } from '../domain/change.ts'
import { automaticNext, type Status, statusCode } from '../domain/status.ts'

/** What the automatic flow needs of an event: whose order it was, where it left it, and when it was recorded. */
export type FlowEvento = {
  posicao: number
  id: string
  pedidoId: string
  comercianteId: string
  seq: number
  status: Status
  recordedAt: number
  traceparent: string | undefined
}

/** A step to be taken: from the order's version and status to the next one, once it is due. */
export type Passo = {
  pedidoId: string
  comercianteId: string
  versao: number
  from: Status
  to: Status
  traceparent: string | undefined
}

/** An event and the step that follows from it, `delayMs` later; `to` is null where the order's way ends, or is not automatic. */
export type PlannedPasso = FlowEvento & { to: number | null; delayMs: number }

/** Decides which step an event leads to, and how long it waits. */
export function planPasso(evento: FlowEvento, { automatic, delayMs }: FluxoOptions): PlannedPasso {
  const to = automatic ? automaticNext(evento.status) : undefined
  return {
    ...evento,
    to: to === undefined ? null : statusCode(to),
    delayMs,
  }
}

export type FluxoOptions = {
  /** Off where only what is asked for over HTTP moves an order. */
  automatic: boolean
  /** From an event to the step after it, in ms. */
  delayMs: number
}

/** The change that a due step asks for: only from the version at which it was planned, so it can happen once. */
export const changeForPasso = ({ pedidoId, comercianteId, versao, from, to }: Passo, now: Date): PedidoChange => ({
  pedidoId,
  comercianteId,
  to,
  from: [from],
  versao,
  details: { actor: 'fluxo', source: 'fluxo', occurredAt: now },
})
