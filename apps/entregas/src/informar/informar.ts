import { DomainError } from '@fluxo/shared/errors'
import type { EventoDetails, PedidoChange } from '../domain/change.ts'
import { informeFor, pathTo } from '../domain/correios.ts'
import type { Pedido } from '../domain/pedido.ts'

/** A carrier's event, already parsed. */
type ReceivedInforme = {
  type: string
  status: number
  occurred_at: Date
  location?: string | undefined
  tracking_code?: string | undefined
}

/**
 * Decides what a carrier's event does to an order: the changes in their order, each on top of the one before.
 *
 * The carrier tells what has happened, so it is always kept. It moves the order forward, with the steps that the
 * carrier left out filled in; it never moves it backwards: an event that is late, or that no path leads to, becomes a note
 * with the status that was reported. `EST` takes the carrier's own last change back.
 */
export function changesForInforme(pedido: Pedido, informe: ReceivedInforme): PedidoChange[] {
  const { type, status: codigo, occurred_at: occurredAt, location, tracking_code: trackingCode } = informe
  const meaning = informeFor(type, codigo)
  if (meaning === undefined) {
    throw new DomainError('evento-desconhecido', `O evento ${type} ${codigo} dos Correios não é conhecido.`)
  }
  const words = trackingCode === undefined ? `${type} ${codigo}` : `${type} ${codigo} ${trackingCode}`
  const details: EventoDetails = { location, actor: 'correios', source: 'correios', occurredAt, codigo: words }
  const base = { pedidoId: pedido.id, comercianteId: pedido.comercianteId }
  const noteWith = (more: Partial<EventoDetails> = {}): PedidoChange[] => [
    { ...base, from: [pedido.status], versao: pedido.version, details: { ...details, ...more } },
  ]
  if (meaning === 'note') return noteWith()
  if (meaning === 'correction') {
    const { corrigivel: to } = pedido
    if (to === undefined) return noteWith()
    return [{ ...base, to, from: [pedido.status], versao: pedido.version, correction: true, details }]
  }
  const isLate = occurredAt < pedido.occurredAt
  const path = isLate ? [] : pathTo(pedido.status, meaning.to)
  if (path.length === 0) return noteWith({ informado: meaning.to, reason: meaning.reason })
  return path.map((to, i) => ({
    ...base,
    to,
    from: [i === 0 ? pedido.status : (path[i - 1] ?? pedido.status)],
    versao: pedido.version + i,
    details: i === path.length - 1 ? { ...details, reason: meaning.reason } : details,
  }))
}
