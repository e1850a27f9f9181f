import { isAttacker } from '../attacker.ts'
import type { Audit } from '../ledger.ts'
import type { Sent } from '../model.ts'
import type { Book } from './book.ts'
import { isLegal } from './machine.ts'

/** An event of an order's history, in the order of the log. */
export type EventRow = {
  posicao: number
  id: string
  orderId: string
  comerciante: string
  address: string
  seq: number
  status: string
  previous: string | null
  note: string | null
  source: string
  occurredAt: Date
}

/** Where an order stands after the events that were read. */
type Standing = { seq: number; status: string; attempts: number; deliveredAt: Date | undefined }

/** Swedish writes days as ISO 8601 does. */
const CALENDAR = new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/Sao_Paulo' })

/**
 * Judges the orders' log against the merchants' books, event by event, and tells what money follows from it.
 *
 * Give it every event once, in order; `close` says what is missing from all that were given.
 */
export const createHistory = (book: Book, owe: (money: Sent) => void) => {
  const standings = new Map<string, Standing>()
  const addresses = new Map<string, string>()
  const notes = new Set<string>()
  const audit: Audit = { lost: [], duplicated: [], wrong: [] }
  let upTo = 0

  /** A received order must be one that was sent, once, under the id that was answered. */
  const receive = (row: EventRow, what: string): void => {
    const sent = book.orderAt(row.address)
    if (sent === undefined || sent.comerciante !== row.comerciante) audit.wrong.push(`${what}: nobody sent it`)
    else if (addresses.has(row.address)) audit.duplicated.push(`${what}: received as ${addresses.get(row.address)} too`)
    else if (sent.id !== undefined && sent.id !== row.orderId) audit.wrong.push(`${what}: answered as ${sent.id}`)
    addresses.set(row.address, row.orderId)
  }
  /** A change is one that was asked for and not refused, once; or a step of the flow. */
  const attribute = (row: EventRow, what: string): void => {
    if (row.source === 'fluxo') {
      const byItself = ['RECEIVED IN_TRANSIT', 'IN_TRANSIT DELIVERED'].includes(`${row.previous} ${row.status}`)
      if (!byItself) audit.wrong.push(`${what}: no step of the automatic flow`)
      return
    }
    const asked = book.move(row.note ?? '')
    if (asked === undefined || asked.orderId !== row.orderId || asked.to !== row.status)
      audit.wrong.push(`${what}: nobody asked for it (${row.note})`)
    else if (notes.has(asked.note)) audit.duplicated.push(`${what}: ${asked.note} once more`)
    else if (asked.outcome === 'refused') audit.wrong.push(`${what}: ${asked.note} had been refused`)
    else if (asked.occurredAt !== undefined && asked.occurredAt !== row.occurredAt.toISOString())
      audit.wrong.push(`${what}: happened at ${asked.occurredAt}, not ${row.occurredAt.toISOString()}`)
    notes.add(row.note ?? '')
  }
  const settle = (row: EventRow, { deliveredAt }: Standing): void => {
    const cents = book.orderAt(row.address)?.centavos
    if (cents === undefined) return
    const money = (chave: string, tipo: Sent['tipo'], data: Date): Sent => {
      return { chave, tipo, comerciante: row.comerciante, data: CALENDAR.format(data), centavos: cents }
    }
    const [referencia, returned] = [`pedido:${row.orderId}`, `pedido:${row.orderId}:devolvido:1`]
    const delivered = `${referencia}:entregue:1`
    if (row.status === 'DELIVERED') owe({ ...money(delivered, 'CREDITO', row.occurredAt), referencia })
    if (row.status === 'RETURNED' && deliveredAt !== undefined)
      owe({ ...money(returned, 'DEBITO', row.occurredAt), estorna: delivered })
  }
  return {
    standings: standings as ReadonlyMap<string, Readonly<Standing>>,
    upTo: () => upTo,
    read: (row: EventRow): void => {
      const before = standings.get(row.orderId)
      const what = `order ${row.orderId} at ${row.posicao} (${row.seq}. ${row.status})`
      upTo += 1
      if (row.posicao !== upTo) audit.wrong.push(`${what}: position ${upTo} is missing`)
      upTo = row.posicao
      if (row.seq !== (before?.seq ?? 0) + 1) audit.wrong.push(`${what}: after ${before?.seq ?? 'nothing'}`)
      const from = before?.status ?? null
      if (row.previous !== from || !isLegal(from, row.status, before?.attempts ?? 0))
        audit.wrong.push(`${what}: no step from ${from}`)
      if (!isAttacker(row.comerciante)) {
        if (row.seq === 1) receive(row, what)
        else attribute(row, what)
      }
      const attempts = (before?.attempts ?? 0) + (row.status === 'DELIVERY_FAILED' ? 1 : 0)
      const deliveredAt = row.status === 'DELIVERED' ? row.occurredAt : before?.deliveredAt
      const standing = { seq: row.seq, status: row.status, attempts, deliveredAt }
      standings.set(row.orderId, standing)
      settle(row, standing)
    },
    /** What was found since the last call, and what was acknowledged and is not there. */
    take: (): Audit => {
      const lost = [
        ...[...book.orders()].filter(({ id, address }) => id !== undefined && !addresses.has(address)),
        ...[...book.moves()].filter(({ outcome, note }) => outcome === 'made' && !notes.has(note)),
      ].map((one) => JSON.stringify(one))
      const { duplicated, wrong } = audit
      return { lost, duplicated: duplicated.splice(0), wrong: wrong.splice(0) }
    },
  }
}
