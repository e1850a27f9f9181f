import type { FailureReason, Status } from './status.ts'

/** From where an event came: asked for over HTTP, a line of a file, the automatic flow, the carrier. */
export type EventoSource = 'api' | 'importacao' | 'fluxo' | 'correios'

/** What an event says beside the status. */
export type EventoDetails = {
  reason?: FailureReason | undefined
  note?: string | undefined
  location?: string | undefined
  /** Who did it: the merchant, a worker, the carrier. */
  actor: string
  source: EventoSource
  /** When it happened; when we recorded it is the event's `timestamp`. */
  occurredAt: Date
  /** The carrier's own words: type and status, and the tracking code where one was told: `BDE 20 DL077986616BR`. */
  codigo?: string | undefined
  /** The status that the carrier reported, where it did not move the order. */
  informado?: Status | undefined
}

/** A change that one order is asked to make: where it may come from, where it goes, and what its event says. */
export type PedidoChange = {
  pedidoId: string
  comercianteId: string
  /** The status afterwards; absent for a note, which changes nothing. */
  to?: Status | undefined
  /** The statuses from which it may happen. */
  from: readonly Status[]
  /** The version that the order must have. */
  versao?: number | undefined
  /** True where it takes the change before back, rather than moving on. */
  correction?: boolean
  /** Fingerprint of the request, where the change does not tell it: what a cancellation leads to depends on when it comes. */
  impressao?: string
  details: EventoDetails
}
